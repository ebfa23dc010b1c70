"""Loads SmolVLA through lerobot's own code, from a local checkpoint directory, without a network.

Everything that computes a number is lerobot's or transformers'. This file only
 - makes `import lerobot.policies.smolvla` work with the few packages of requirements.txt: lerobot's
   packages import data sets, robots and simulators at import time, none of which inference touches;
 - resolves `vlm_model_name` and the tokenizer to local directories;
 - decides the dtype of the parameters before lerobot loads the weights.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

# SmolVLM's modules must be loaded before the placeholders: transformers probes for optional packages.
from transformers import AutoConfig, PreTrainedTokenizerFast, SmolVLMForConditionalGeneration  # noqa: F401

# Modules that lerobot imports on the way to SmolVLAPolicy and that inference never calls.
_UNUSED_BY_INFERENCE = (
    "accelerate",
    "datasets",
    "datasets.utils",
    "datasets.utils.logging",
    "deepdiff",
    "imageio",
    "serial",
    "torchvision",
    "torchvision.transforms",
    "torchvision.transforms.functional",
    "lerobot.configs.train",
    "lerobot.datasets.lerobot_dataset",
    "lerobot.datasets.utils",
    "lerobot.motors",
    "lerobot.robots",
    "lerobot.robots.robot",
    "lerobot.teleoperators",
    "lerobot.teleoperators.utils",
)

# transformers configurations of public VLMs that a checkpoint may name instead of carrying one.
_KNOWN_VLM_CONFIGS = Path(__file__).parent / "vlm_configs"


class _Placeholder(types.ModuleType):
    """A module whose every attribute is an empty class: enough for annotations and `from x import y`."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        placeholder = type(name, (), {})
        setattr(self, name, placeholder)
        return placeholder


def _import_lerobot() -> None:
    """Puts the placeholders in place, then imports what this file uses. Safe to call again."""
    if "lerobot.policies.smolvla.modeling_smolvla" in sys.modules:
        return
    for name in _UNUSED_BY_INFERENCE:
        sys.modules[name] = _Placeholder(name)
        parent, _, child = name.rpartition(".")
        if isinstance(sys.modules.get(parent), _Placeholder):
            setattr(sys.modules[parent], child, sys.modules[name])
    # lerobot/policies/__init__.py imports every policy; an empty package with the real path imports one.
    package = _Placeholder("lerobot.policies")
    (root,) = importlib.util.find_spec("lerobot").submodule_search_locations
    package.__path__ = [str(Path(root) / "policies")]
    sys.modules["lerobot.policies"] = package

    import lerobot.policies.smolvla.modeling_smolvla  # noqa: F401
    import lerobot.policies.smolvla.processor_smolvla  # noqa: F401  (registers its processor steps)

    # Placeholders of real packages must not outlive the imports: other libraries probe for them.
    for name in _UNUSED_BY_INFERENCE:
        if not name.startswith("lerobot"):
            del sys.modules[name]


def versions() -> dict[str, str]:
    """Versions of the packages that compute the numbers."""
    from importlib.metadata import version

    return {name: version(name) for name in ("lerobot", "transformers", "torch", "tokenizers", "numpy")}


@dataclass
class Reference:
    """A loaded checkpoint: lerobot's policy and the pipelines around it."""

    policy: Any  # lerobot.policies.smolvla.modeling_smolvla.SmolVLAPolicy, in evaluation mode
    preprocess: Any  # PolicyProcessorPipeline: observation -> batch (new line, tokens, normalised state)
    postprocess: Any  # PolicyProcessorPipeline: actions -> actions in robot units
    directory: Path


def load(directory: Path, dtype: str, config_overrides: dict[str, Any] | None = None) -> Reference:
    """Loads a checkpoint directory strictly: a missing or unexpected tensor raises.

    dtype: "float32": every parameter is float32, so whatever the file holds is upcast exactly.
           "checkpoint": every parameter has the dtype of its tensor in the file. That is what LeRobot has in
           memory when it runs a published checkpoint: those files were saved from such a model.
    """
    _import_lerobot()
    from lerobot.configs.policies import PreTrainedConfig
    from lerobot.policies.smolvla import modeling_smolvla, smolvlm_with_expert

    config = PreTrainedConfig.from_pretrained(str(directory))
    for name, value in (config_overrides or {}).items():
        if not hasattr(config, name):
            raise ValueError(f"{name} is not a field of lerobot's SmolVLAConfig")
        setattr(config, name, value)
    vlm_directory = _vlm_directory(directory, config.vlm_model_name)
    # lerobot would otherwise fetch the VLM's own weights, only to overwrite all of them with the checkpoint's.
    config.load_vlm_weights = False
    config.device = "cpu"
    config.vlm_model_name = str(vlm_directory)

    tokenizer_directory = directory / "tokenizer"
    smolvlm_with_expert.AutoProcessor = _LocalProcessor(tokenizer_directory, config.add_image_special_tokens)
    policy_class = _policy_class(modeling_smolvla.SmolVLAPolicy, dtype)
    policy = policy_class.from_pretrained(str(directory), config=config, strict=True)
    preprocess, postprocess = _pipelines(directory, tokenizer_directory)
    return Reference(policy, preprocess, postprocess, directory)


def _vlm_directory(directory: Path, name: str) -> Path:
    """The directory with the VLM's config.json: inside the checkpoint, else among the known public ones."""
    candidates = (directory / name, directory / "vlm", _KNOWN_VLM_CONFIGS / Path(name).name)
    for candidate in candidates:
        if (candidate / "config.json").is_file():
            AutoConfig.from_pretrained(str(candidate))  # fails here, with the path, rather than deep in lerobot
            return candidate
    raise FileNotFoundError(f"no config.json of the VLM {name!r}; looked in: " + ", ".join(map(str, candidates)))


class _LocalProcessor:
    """Stands in for transformers.AutoProcessor, of which lerobot reads two token ids and nothing else."""

    def __init__(self, tokenizer_directory: Path, ids_are_used: bool):
        self._tokenizer_directory = tokenizer_directory
        self._ids_are_used = ids_are_used

    def from_pretrained(self, _model_id: str) -> types.SimpleNamespace:
        tokenizer = _tokenizer(self._tokenizer_directory)
        ids = [self._token_id(tokenizer, token) for token in ("<fake_token_around_image>", "<global-img>")]
        names = ("fake_image_token_id", "global_image_token_id")
        return types.SimpleNamespace(tokenizer=types.SimpleNamespace(**dict(zip(names, ids, strict=True))))

    def _token_id(self, tokenizer: Any, token: str) -> int:
        vocabulary = tokenizer.get_vocab()
        if token in vocabulary:
            return vocabulary[token]
        if self._ids_are_used:
            raise ValueError(f"add_image_special_tokens is set, but {self._tokenizer_directory} has no {token}")
        return 0


def _policy_class(base: type, dtype: str) -> type:
    """SmolVLAPolicy that fixes its parameters' dtypes just before lerobot copies the weights into them."""
    if dtype not in ("float32", "checkpoint"):
        raise ValueError(f"dtype must be float32 or checkpoint, not {dtype!r}")

    class Policy(base):
        @classmethod
        def _load_as_safetensor(cls, model, model_file, map_location, strict):
            if dtype == "float32":
                model.float()
            else:
                _take_dtypes_of_file(model, model_file)
            return super()._load_as_safetensor(model, model_file, map_location, strict)

    return Policy


def _take_dtypes_of_file(model: torch.nn.Module, model_file: str) -> None:
    """Gives every parameter the dtype that its tensor has in the file."""
    parameters = dict(model.named_parameters())
    with safe_open(model_file, framework="pt") as tensors:
        for name in tensors.keys():  # noqa: SIM118  (safe_open is not a mapping)
            if name in parameters:
                parameters[name].data = parameters[name].data.to(tensors.get_slice(name)[:0].dtype)


def _tokenizer(directory: Path) -> Any:
    """The tokenizer exactly as tokenizer.json describes it.

    AutoTokenizer of transformers 5 rebuilds a GPT2Tokenizer from vocabulary and merges alone and so loses the
    digit splitting of SmolVLM2's tokenizer.json; transformers 4, with which the model was trained, kept it.
    """
    return PreTrainedTokenizerFast.from_pretrained(str(directory))


def _pipelines(directory: Path, tokenizer_directory: Path) -> tuple[Any, Any]:
    """The checkpoint's own pre- and postprocessor, on the CPU and with the tokenizer of the directory."""
    from lerobot.processor import PolicyProcessorPipeline
    from lerobot.processor.converters import policy_action_to_transition, transition_to_policy_action

    cpu = {"device_processor": {"device": "cpu"}}
    preprocess = PolicyProcessorPipeline.from_pretrained(
        str(directory),
        config_filename="policy_preprocessor.json",
        overrides={**cpu, "tokenizer_processor": {"tokenizer": _tokenizer(tokenizer_directory)}},
    )
    postprocess = PolicyProcessorPipeline.from_pretrained(
        str(directory),
        config_filename="policy_postprocessor.json",
        overrides=cpu,
        to_transition=policy_action_to_transition,
        to_output=transition_to_policy_action,
    )
    return preprocess, postprocess


def observation(pictures: dict[str, Any], state: Any, task: str) -> dict[str, Any]:
    """What LeRobot feeds its pipeline on a robot: float32 pictures [1, 3, H, W] in [0, 1] and state [1, n].

    pictures: config key ("observation.images.camera1") -> uint8 array [H, W, 3]; state: float32 array [n].
    """
    from lerobot.policies.utils import prepare_observation_for_inference

    arrays = {"observation.state": state.copy(), **{key: picture.copy() for key, picture in pictures.items()}}
    return prepare_observation_for_inference(arrays, torch.device("cpu"), task)


def squash_like_async_server(picture: Any, feature_shape: tuple[int, int, int]) -> Any:
    """The uint8 picture [h, w, 3] that LeRobot's async policy server makes of a camera frame [H, W, 3].

    The server resizes every frame to the feature's (3, h, w) on the uint8 tensor, ignoring the aspect ratio.
    """
    from lerobot.async_inference.helpers import resize_robot_observation_image

    resized = resize_robot_observation_image(torch.from_numpy(picture.copy()), feature_shape)
    return resized.permute(1, 2, 0).contiguous().numpy()
