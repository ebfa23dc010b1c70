"""Makes the golden vectors of tests/golden/smolvla from lerobot's own SmolVLA, run in float32.

    python tools/golden/smolvla.py --tiny DIR --small DIR --out tests/golden/smolvla

DIR are checkpoints written by `heddle synth smolvla`. Nothing here computes a stage: hooks and wrapped
methods read what lerobot and transformers compute. The same call twice writes the same bytes.

Written: cases.json, and per case NAME.safetensors and one NAME.CAMERA.png per camera; where the policy server's
first resize is part of the case, also its result, NAME.CAMERA.squashed.png. Stages (float32):
    image.<cam>              [3, H, W]             resized, padded, in [-1, 1]
    vision.<cam>.patch_embed [patches, hidden]     after the position embedding was added
    vision.<cam>.layer.<i>   [patches, hidden]     output of block i
    vision.<cam>.post_norm   [patches, hidden]
    connector.<cam>          [tokens, text hidden] before the scaling by sqrt(text hidden)
    prefix.embed             [L, text hidden]      cameras, language, state
    vlm.layer.<i>.k, .v      [L, kv heads * dim]   the cache: keys after RoPE
    expert.step.<s>.velocity [chunk, max_action_dim]
    actions.raw              [chunk, max_action_dim] x after the last step
    actions                  [chunk, action_dim]   in robot units
and the inputs noise [chunk, max_action_dim], state [state_dim], token_ids [T] (int64).
L and T count valid tokens only: padding and masked cameras have no influence, and an engine may drop them.
A stage of more than 200 kB keeps every k-th row (of its last-but-one dimension) and says so in the metadata.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lerobot_reference
import numpy as np
import torch
from PIL import Image

MAX_STAGE_BYTES = 200_000

LONG_TASK = (
    "First look at the table and find the 3 red cubes that lie between the blue bowl and the green plate, "
    "then pick up the smallest one with the gripper, lift it 15 cm, wait until the arm no longer moves, "
    "turn left, and put the cube gently into the open drawer without touching the other 27 objects."
)


@dataclass(frozen=True)
class Camera:
    """A camera frame: the config's camera name and the size of the picture in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Case:
    name: str
    model: str  # "tiny" or "small"
    cameras: tuple[Camera, ...]
    task: str
    seed: int
    steps: int = 10
    squash: bool = False  # first resize each frame to the feature's shape, as LeRobot's policy server does
    config_overrides: dict[str, Any] = field(default_factory=dict)


def cases(tiny_side: int) -> tuple[Case, ...]:
    """tiny_side: the tiny model's target picture size, for the picture that needs no resizing."""
    return (
        Case("one-camera", "tiny", (Camera("camera1", 96, 72),), "pick up the cube", 101),
        Case(
            "two-cameras",
            "tiny",
            (Camera("camera1", 80, 60), Camera("camera2", 112, 63)),
            "Put the 2 cubes in box 13, please.",
            102,
        ),
        Case(
            "three-cameras-long-task",
            "tiny",
            (Camera("camera1", 96, 72), Camera("camera2", 64, 64), Camera("camera3", 60, 80)),
            LONG_TASK,
            103,
        ),
        Case("camera2-only", "tiny", (Camera("camera2", 96, 72),), "open the drawer", 104),
        Case(
            "camera2-only-empty-camera",
            "tiny",
            (Camera("camera2", 96, 72),),
            "open the drawer",
            104,  # the inputs of camera2-only: the masked picture must change nothing
            config_overrides={"empty_cameras": 1},
        ),
        Case("already-square", "tiny", (Camera("camera1", tiny_side, tiny_side),), "stack the bowls\n", 105),
        Case("async-server", "tiny", (Camera("camera1", 160, 90),), "push the block to the left", 106, squash=True),
        Case("portrait", "tiny", (Camera("camera1", 75, 133),), "déplace le cube n° 7 vers l'étagère", 107),
        Case("small", "small", (Camera("camera1", 96, 72),), "pick up the cube", 201, steps=2),
    )


# ---------------------------------------------------------------------------------------------- inputs


def picture(camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """A uint8 picture [H, W, 3]: smooth gradients, hard-edged blocks, and a fine checkerboard."""
    y, x = np.mgrid[0 : camera.height, 0 : camera.width]
    channels = [255 * x / (camera.width - 1), 255 * y / (camera.height - 1), 255 - 2.5 * np.abs(x - y)]
    pixels = np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8)
    for _ in range(8):
        top, left = rng.integers(0, camera.height - 8), rng.integers(0, camera.width - 8)
        height, width = rng.integers(4, camera.height // 2), rng.integers(4, camera.width // 2)
        pixels[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    pixels[:16, :16] = np.where(((x + y) % 2 == 0)[:16, :16, None], 255, 0)
    return pixels


@dataclass
class Inputs:
    pictures: dict[str, np.ndarray]  # camera name -> uint8 [H, W, 3], as the camera gives them
    state: np.ndarray  # float32 [state_dim], in robot units
    noise: np.ndarray  # float32 [chunk, max_action_dim]


def make_inputs(case: Case, reference: lerobot_reference.Reference) -> Inputs:
    """Seeded inputs; the state is drawn around the checkpoint's own mean."""
    rng = np.random.default_rng(case.seed)
    pictures = {camera.name: picture(camera, rng) for camera in case.cameras}
    config = reference.policy.config
    (state_dim,) = config.input_features["observation.state"].shape
    mean, std = state_statistics(reference, state_dim)
    state = (mean + std * rng.standard_normal(state_dim)).astype(np.float32)
    noise = rng.standard_normal((config.chunk_size, config.max_action_dim)).astype(np.float32)
    return Inputs(pictures, state, noise)


def state_statistics(reference: lerobot_reference.Reference, state_dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of observation.state in the preprocessor; (0, 1) when it has none."""
    for step in reference.preprocess.steps:
        statistics = getattr(step, "stats", None) or {}
        if "observation.state" in statistics:
            state = statistics["observation.state"]
            return np.asarray(state["mean"]), np.asarray(state["std"])
    return np.zeros(state_dim), np.ones(state_dim)


# --------------------------------------------------------------------------------------------- capture


class Capture:
    """Collects the stages of one inference from a policy, through hooks and wrapped methods."""

    def __init__(self, policy: Any, camera_names: list[str]):
        self.stages: dict[str, torch.Tensor] = {}
        self._policy = policy
        self._cameras = camera_names
        self._calls: dict[str, int] = {}  # how often each module has run: the vision tower runs once per picture
        self._valid: torch.Tensor | None = None  # bool [prefix tokens]

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        model = self._policy.model
        vlm = model.vlm_with_expert.get_vlm_model()
        vision = vlm.vision_model
        handles = [
            vision.embeddings.position_embedding.register_forward_hook(self._check_positions),
            vision.embeddings.register_forward_hook(self._per_camera("vision.{}.patch_embed")),
            vision.post_layernorm.register_forward_hook(self._per_camera("vision.{}.post_norm")),
            vlm.connector.register_forward_hook(self._per_camera("connector.{}")),
        ]
        for i, layer in enumerate(vision.encoder.layers):
            handles.append(layer.register_forward_hook(self._per_camera("vision.{}.layer." + str(i))))
        wrapped = [
            (self._policy, "prepare_images", self._images),
            (model, "embed_prefix", self._prefix),
            (model, "denoise_step", self._velocity),
            (model, "sample_actions", self._raw_actions),
            (model.vlm_with_expert, "forward", self._cache),
        ]
        for owner, method, observe in wrapped:
            setattr(owner, method, _observed(getattr(owner, method), observe))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            for owner, method, _ in wrapped:
                delattr(owner, method)  # uncovers the method of the class

    def _store(self, name: str, value: torch.Tensor) -> None:
        if name in self.stages:
            raise RuntimeError(f"stage {name} was computed twice")
        if value.dtype != torch.float32:
            raise RuntimeError(f"stage {name} is {value.dtype}: the reference must run in float32")
        self.stages[name] = value.detach().clone()

    def _camera_of_call(self, what: str) -> str | None:
        """The camera that the module's next run belongs to; None for the pictures of empty cameras."""
        call = self._calls.get(what, 0)
        self._calls[what] = call + 1
        return self._cameras[call] if call < len(self._cameras) else None

    def _per_camera(self, pattern: str) -> Any:
        def hook(_module, _arguments, output) -> None:
            camera = self._camera_of_call(pattern)
            if camera is not None:
                self._store(pattern.format(camera), output[0])

        return hook

    def _check_positions(self, module, arguments, _output) -> None:
        """transformers 4.55 to 4.57 numbered patches wrongly in float32; a full grid must be numbered in order."""
        (position_ids,) = arguments
        expected = torch.arange(module.num_embeddings).expand_as(position_ids)
        if not torch.equal(position_ids, expected):
            raise RuntimeError("the reference's vision position ids are not 0, 1, 2, ...: wrong transformers version")

    def _images(self, result, _arguments) -> None:
        images, masks = result
        for camera, image, mask in zip(self._cameras, images, masks, strict=False):
            if not bool(mask):
                raise RuntimeError(f"{camera} is masked")
            self._store(f"image.{camera}", image[0])
        if any(bool(mask) for mask in masks[len(self._cameras) :]):
            raise RuntimeError("an empty camera is not masked")

    def _prefix(self, result, _arguments) -> None:
        embeddings, valid, _ = result
        self._valid = valid[0]
        self._store("prefix.embed", embeddings[0][self._valid])

    def _cache(self, result, arguments) -> None:
        if arguments["inputs_embeds"][0] is None:
            return  # a denoising step: the cache was filled before
        _, cache = result
        expected = torch.cumsum(self._valid, 0) - 1
        if not torch.equal(arguments["position_ids"][0], expected):
            raise RuntimeError("the prefix positions are not the running count of valid tokens")
        for i, layer in cache.items():
            # [1, L, kv heads, head dim]
            self._store(f"vlm.layer.{i}.k", layer["key_states"][0][self._valid].flatten(1))
            self._store(f"vlm.layer.{i}.v", layer["value_states"][0][self._valid].flatten(1))

    def _velocity(self, result, _arguments) -> None:
        step = self._calls.get("denoise", 0)
        self._calls["denoise"] = step + 1
        self._store(f"expert.step.{step}.velocity", result[0])

    def _raw_actions(self, result, _arguments) -> None:
        self._store("actions.raw", result[0])


def _observed(method: Any, observe: Any) -> Any:
    """The method, showing each result to observe(result, keyword arguments)."""

    def call(*arguments, **keywords):
        result = method(*arguments, **keywords)
        observe(result, keywords)
        return result

    return call


# ------------------------------------------------------------------------------------------- one case


@dataclass
class Result:
    stages: dict[str, np.ndarray]
    token_ids: list[int]
    squashed: dict[str, np.ndarray]  # camera name -> uint8 [h, w, 3], what the policy server makes of each frame


def run_case(case: Case, reference: lerobot_reference.Reference, inputs: Inputs) -> Result:
    """Runs lerobot's pipeline on the inputs: preprocessor, policy with the given noise, postprocessor."""
    policy = reference.policy
    policy.config.num_steps = case.steps
    policy.reset()
    # lerobot goes through the cameras in the order of the config, whatever the order of the observation.
    order = [_short(key) for key in policy.config.image_features if _short(key) in inputs.pictures]
    squashed = {}
    if case.squash:
        for name in order:
            shape = policy.config.image_features[f"observation.images.{name}"].shape
            squashed[name] = lerobot_reference.squash_like_async_server(inputs.pictures[name], shape)
    pictures = inputs.pictures | squashed
    observation = lerobot_reference.observation(
        {f"observation.images.{name}": pictures[name] for name in order}, inputs.state, case.task
    )
    batch = reference.preprocess(observation)
    capture = Capture(policy, order)
    with capture():
        actions = policy.predict_action_chunk(batch, noise=torch.from_numpy(inputs.noise)[None])
    stages = {name: value.numpy() for name, value in capture.stages.items()}
    stages["actions"] = reference.postprocess(actions)[0].numpy()
    token_ids = valid_token_ids(batch)
    check_token_ids(case, reference, token_ids)
    stages.update(noise=inputs.noise, state=inputs.state, token_ids=np.asarray(token_ids, np.int64))
    return Result(stages, token_ids, squashed)


def _short(key: str) -> str:
    return key.removeprefix("observation.images.")


def valid_token_ids(batch: dict[str, Any]) -> list[int]:
    mask = batch["observation.language.attention_mask"][0]
    return batch["observation.language.tokens"][0][mask].tolist()


def check_token_ids(case: Case, reference: lerobot_reference.Reference, token_ids: list[int]) -> None:
    """The ids must be those that tokenizer.json defines, cut from the left to the policy's maximum length."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(reference.directory / "tokenizer" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    task = case.task if case.task.endswith("\n") else case.task + "\n"
    expected = tokenizer.encode(task, add_special_tokens=False).ids[-reference.policy.config.tokenizer_max_length :]
    if token_ids != expected:
        raise RuntimeError(f"{case.name}: lerobot's token ids {token_ids} are not tokenizer.json's {expected}")


# ---------------------------------------------------------------------------------------------- output


def thin(stages: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Keeps every k-th row of large stages, k a power of two; returns the stages and what was left out."""
    kept, notes = {}, {}
    for name, value in stages.items():
        k = 1
        while value.nbytes / k > MAX_STAGE_BYTES:
            k *= 2
        if k > 1:
            value = value[..., ::k, :]
            notes[name] = f"rows 0::{k}"
        kept[name] = value
    return kept, notes


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes float32 and int64 tensors in a fixed order (the library's own order of metadata varies by run)."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    names = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))  # wide types first: all stay aligned
    blobs, offset = [], 0
    for name in names:
        value = np.ascontiguousarray(tensors[name])
        dtype = {"float32": "F32", "int64": "I64"}[value.dtype.name]
        end = offset + value.nbytes
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [offset, end]}
        blobs.append(value.astype(value.dtype.newbyteorder("<")).tobytes())
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_pictures(out: Path, pattern: str, pictures: dict[str, np.ndarray]) -> dict[str, str]:
    """Writes PNG files; returns camera name -> file name."""
    names = {camera: pattern.format(camera) for camera in pictures}
    for camera, pixels in pictures.items():
        Image.fromarray(pixels).save(out / names[camera], optimize=True)
    return names


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_case(out: Path, case: Case, inputs: Inputs, result: Result, checkpoint: Path) -> dict[str, Any]:
    """Writes a case's files; returns its entry for cases.json."""
    pictures = write_pictures(out, f"{case.name}.{{}}.png", inputs.pictures)
    squashed = write_pictures(out, f"{case.name}.{{}}.squashed.png", result.squashed)
    stages, notes = thin(result.stages)
    write_safetensors(out / f"{case.name}.safetensors", stages, notes)
    return {
        "name": case.name,
        "model": case.model,
        "model_sha256": sha256(checkpoint / "model.safetensors"),
        "config_overrides": case.config_overrides,
        "seed": case.seed,
        "pictures": pictures,
        "squashed_pictures": squashed,
        "task": case.task,
        "state": [float(value) for value in inputs.state],
        "steps": case.steps,
        "token_ids": result.token_ids,
        "file": f"{case.name}.safetensors",
    }


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", type=Path, help="checkpoint of `heddle synth smolvla --size tiny`")
    parser.add_argument("--small", type=Path, help="checkpoint of `heddle synth smolvla --size small`")
    parser.add_argument("--synth-seed", type=int, default=1, help="the --seed both were made with, for the record")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    # One thread: the order of float additions, hence the last bits, must not depend on the machine's cores.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    checkpoints = {name: path for name in ("tiny", "small") if (path := getattr(arguments, name))}
    if not checkpoints:
        raise SystemExit("nothing to do: give --tiny DIR, --small DIR or both")
    arguments.out.mkdir(parents=True, exist_ok=True)
    entries = []
    for model, checkpoint in checkpoints.items():
        side = json.loads((checkpoint / "config.json").read_text())["resize_imgs_with_padding"][0]
        for case in (case for case in cases(side) if case.model == model):
            reference = lerobot_reference.load(checkpoint, "float32", case.config_overrides)
            inputs = make_inputs(case, reference)
            result = run_case(case, reference, inputs)
            entries.append(write_case(arguments.out, case, inputs, result, checkpoint))
            print(f"{case.name}: {len(result.stages)} tensors, {len(result.token_ids)} tokens")
    document = {
        "made_by": "tools/golden/smolvla.py",
        "versions": lerobot_reference.versions(),
        "checkpoints": {m: f"heddle synth smolvla --size {m} --seed {arguments.synth_seed}" for m in checkpoints},
        "cases": entries,
    }
    (arguments.out / "cases.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
