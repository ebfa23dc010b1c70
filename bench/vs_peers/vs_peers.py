"""Times SmolVLA on Heddle, PyTorch and ONNX Runtime on the same inputs, interleaved in one run.

    python bench/vs_peers/vs_peers.py DIR [--cameras 1] [--steps 10] [--threads 2] [--runs 5] [--json]

Contenders:
 - Heddle (`heddle run`): f32, bf16, and w8a8 of the same checkpoint (`heddle quantize`); w4a8 on request;
 - PyTorch (lerobot's own SmolVLA): f32 (every parameter upcast to float32), bf16 (every parameter in the dtype it
   has in the checkpoint, mostly bfloat16, which is what LeRobot runs), and int8dyn (of f32, every linear layer with
   int8 weights and inputs rounded row by row as they come, by torch.ao.quantization.quantize_dynamic);
 - ONNX Runtime, the vision tower only: f32, and int8dyn (onnxruntime.quantization.quantize_dynamic).
Where a library offers several ways to compute in int8, each is tried and the fastest one competes.

Each is timed inside its process, after loading and after one warm-up:
 - total: decoded pictures, task text and state in, actions in robot units out;
 - vision: the vision tower (patch embedding to last layer norm) over all cameras.
A time counts only if the contender's results agree with PyTorch's float32 in the same run, and only from samples
during which other processes left the machine alone; when there are none, or with --accept-noise, that is said.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "golden"))

import lerobot_reference  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import onnxruntime.quantization  # noqa: E402
import smolvla  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

STAGES = ("total", "vision")

# All others are compared with this one: in time, and in what they compute.
OURS = "Heddle w8a8"
REFERENCE = "PyTorch f32"

# How far a contender's results may be from the reference's: float results by the largest difference as a fraction
# of the largest value (bfloat16 has 8 bits, so only gross errors can be told from rounding there), int8 results by
# their cosine. What is not listed is reported and not judged.
MOST_DIFFERENCE = {"Heddle f32": 1e-4, "Heddle bf16": 0.05, "PyTorch bf16": 0.05, "ONNX Runtime f32": 1e-3}
LEAST_COSINE = {OURS: 0.999}

# Inferences per sample, of which the median counts: a Heddle process loads and warms up for every sample.
INFERENCES = 3

# A sample is quiet when other processes used less than this many cores while it was taken. Two threads that wait
# for each other lose far more than the share of a core that a third process takes.
QUIET_CORES = 0.1

# PyTorch's engines for int8 on x86; its others are a part of these, or for ARM.
INT8_ENGINES = {"x86", "onednn"}

# How often to try for a quiet sample, per sample wanted.
ATTEMPTS_PER_RUN = 3


@dataclass
class Sample:
    """A few inferences in a row: median milliseconds per stage, and their results.

    Results are the actions [chunk, action_dim], or the vision tower's output for who runs nothing else.
    """

    milliseconds: dict[str, float]
    results: np.ndarray
    foreign_cores: float = 0.0  # cores that other processes used meanwhile


class Contender(Protocol):
    name: str
    arithmetic: str  # of its matrix products: "f32", "bf16" or "int8"
    details: str  # how it was set up, for the reader

    def run(self) -> Sample: ...


@dataclass
class Series:
    """A contender's samples."""

    contender: Contender
    accept_noise: bool
    samples: list[Sample] = field(default_factory=list)

    def add_sample(self) -> None:
        """Takes a sample and notes how much of the machine other processes used meanwhile."""
        busy, own, begin = _busy_seconds(), _own_seconds(), time.perf_counter()
        sample = self.contender.run()
        elapsed = time.perf_counter() - begin
        foreign_seconds = (_busy_seconds() - busy) - (_own_seconds() - own)
        sample.foreign_cores = max(0.0, foreign_seconds / elapsed)
        self.samples.append(sample)

    def quiet(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.foreign_cores < QUIET_CORES]

    def counted(self) -> list[Sample]:
        return self.samples if self.accept_noise else self.quiet() or self.samples

    def median(self, stage: str) -> float:
        """Milliseconds; over the quiet samples if there are any, or over all when noise is accepted."""
        return statistics.median(sample.milliseconds[stage] for sample in self.counted())


def _busy_seconds() -> float:
    """CPU time of all processes so far, and time that the host of a virtual machine took away."""
    # proc(5): user nice system idle iowait irq softirq steal
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    """CPU time of this process and of those it has started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def fastest(contenders: Iterable[Contender]) -> Contender:
    """Of several ways to do the same, the one with the shortest run after a warm-up."""
    best, best_time = None, float("inf")
    for contender in contenders:
        contender.run()
        (milliseconds, *_) = contender.run().milliseconds.values()
        print(f"{contender.name}, {contender.details}: {milliseconds:.1f} ms", file=sys.stderr)
        if milliseconds < best_time:
            best, best_time = contender, milliseconds
    if best is None:
        raise SystemExit("no int8 engine in this PyTorch")
    return best


# --------------------------------------------------------------------------------------------- PyTorch


@dataclass
class PyTorch:
    """lerobot's policy with its pre- and postprocessor."""

    name: str
    arithmetic: str
    reference: lerobot_reference.Reference
    inputs: smolvla.Inputs
    task: str
    details: str = ""

    def run(self) -> Sample:
        samples = [self._infer() for _ in range(INFERENCES)]
        medians = {stage: statistics.median(s.milliseconds[stage] for s in samples) for stage in STAGES}
        return Sample(medians, samples[-1].results)

    def _infer(self) -> Sample:
        reference, inputs = self.reference, self.inputs
        reference.policy.reset()
        pictures = {f"observation.images.{name}": pixels for name, pixels in inputs.pictures.items()}
        with torch.inference_mode(), _timed(vision_tower(reference)) as vision_milliseconds:
            begin = time.perf_counter()
            batch = reference.preprocess(lerobot_reference.observation(pictures, inputs.state, self.task))
            noise = torch.from_numpy(inputs.noise.copy())[None]
            actions = reference.postprocess(reference.policy.predict_action_chunk(batch, noise=noise))
            total = 1e3 * (time.perf_counter() - begin)
        return Sample({"total": total, "vision": sum(vision_milliseconds)}, actions[0].float().numpy())


def load_policy(directory: Path, dtype: str, steps: int) -> lerobot_reference.Reference:
    """dtype: as lerobot_reference.load wants it."""
    with contextlib.redirect_stdout(sys.stderr):  # lerobot prints while loading; --json must stay pure
        reference = lerobot_reference.load(directory, dtype)
    reference.policy.config.num_steps = steps
    # The tower's fastest attention on a CPU. The decoder's attention is lerobot's own and has no choice.
    vision_tower(reference).set_attn_implementation("sdpa")
    return reference


def vision_tower(reference: lerobot_reference.Reference) -> Any:
    return reference.policy.model.vlm_with_expert.get_vlm_model().vision_model


@contextlib.contextmanager
def _timed(module: torch.nn.Module) -> Iterator[list[float]]:
    """Milliseconds of each run of the module meanwhile."""
    begins, durations = [], []
    before = module.register_forward_pre_hook(lambda *_: begins.append(time.perf_counter()))
    after = module.register_forward_hook(lambda *_: durations.append(1e3 * (time.perf_counter() - begins[-1])))
    try:
        yield durations
    finally:
        before.remove()
        after.remove()


def dynamic_int8(f32: PyTorch) -> Iterator[PyTorch]:
    """The policy with all its linear layers in int8, once per engine that this PyTorch has for them."""
    default = torch.backends.quantized.engine
    for engine in sorted(INT8_ENGINES & set(torch.backends.quantized.supported_engines)):
        torch.backends.quantized.engine = engine
        policy = copy.deepcopy(f32.reference.policy)
        torch.ao.quantization.quantize_dynamic(policy, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)
        for module in policy.modules():
            if isinstance(module, torch.ao.nn.quantized.dynamic.Linear):
                # lerobot casts a layer's input to the dtype of `layer.weight`, which here is a method.
                module.weight = torch.empty(0)
        reference = dataclasses.replace(f32.reference, policy=policy)
        yield PyTorch("PyTorch int8dyn", "int8", reference, f32.inputs, f32.task, f"engine {engine}")
    torch.backends.quantized.engine = default


# ----------------------------------------------------------------------------------------- ONNX Runtime


@dataclass
class OnnxRuntime:
    """The vision tower, on the pictures that PyTorch's got."""

    name: str
    arithmetic: str
    session: onnxruntime.InferenceSession
    pictures: list[np.ndarray]
    details: str = ""

    def run(self) -> Sample:
        times = []
        for _ in range(INFERENCES):
            begin = time.perf_counter()
            features = [self.session.run(None, {"pixels": picture})[0] for picture in self.pictures]
            times.append(1e3 * (time.perf_counter() - begin))
        return Sample({"vision": statistics.median(times)}, np.concatenate(features))


class Tower(torch.nn.Module):
    """transformers' vision tower for whole square pictures, whose position embeddings are constants."""

    def __init__(self, tower: Any, positions: torch.Tensor):
        super().__init__()
        self.tower = tower
        self.register_buffer("positions", positions)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        hidden = self.tower.embeddings.patch_embedding(pixels).flatten(2).transpose(1, 2) + self.positions
        for layer in self.tower.encoder.layers:
            hidden = layer(hidden, None)
        return self.tower.post_layernorm(hidden)


@dataclass
class TowerRecord:
    """What PyTorch's tower read and wrote in one inference."""

    pictures: list[np.ndarray] = field(default_factory=list)
    features: list[np.ndarray] = field(default_factory=list)
    positions: torch.Tensor | None = None

    @classmethod
    def of(cls, pytorch: PyTorch) -> TowerRecord:
        record = cls()

        def note_tower(_module: Any, _args: Any, kwargs: dict[str, Any], output: Any) -> None:
            record.pictures.append(kwargs["pixel_values"].numpy().copy())
            record.features.append(output.last_hidden_state.numpy().copy())

        def note_positions(_module: Any, _args: Any, output: torch.Tensor) -> None:
            record.positions = output

        tower = vision_tower(pytorch.reference)
        hooks = [
            tower.register_forward_hook(note_tower, with_kwargs=True),
            tower.embeddings.position_embedding.register_forward_hook(note_positions),
        ]
        pytorch._infer()
        for hook in hooks:
            hook.remove()
        return record


def onnx_contenders(tower: Any, record: TowerRecord, scratch: Path, threads: int) -> list[OnnxRuntime]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # its threads must not disturb others

    def contender(name: str, arithmetic: str, file: Path, details: str) -> OnnxRuntime:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        return OnnxRuntime(f"ONNX Runtime {name}", arithmetic, session, record.pictures, details)

    def dynamic_int8() -> Iterator[OnnxRuntime]:
        for per_channel in (False, True):
            file = scratch / f"tower-int8-{per_channel}.onnx"
            onnxruntime.quantization.quantize_dynamic(
                str(float_file), str(file), op_types_to_quantize=["MatMul", "Gemm"], per_channel=per_channel
            )
            details = "a scale per output channel" if per_channel else "a scale per matrix"
            yield contender("int8dyn", "int8", file, details)

    float_file = scratch / "tower.onnx"
    pixels = torch.from_numpy(record.pictures[0])
    with torch.no_grad(), contextlib.redirect_stdout(sys.stderr):
        # From operator set 23 on, attention and GELU are single operators.
        torch.onnx.export(
            Tower(tower, record.positions.clone()).eval(),
            (pixels,),
            str(float_file),
            input_names=["pixels"],
            opset_version=23,
            dynamo=True,
            external_data=False,
        )
        return [contender("f32", "f32", float_file, ""), fastest(dynamic_int8())]


# ---------------------------------------------------------------------------------------------- Heddle


@dataclass
class Heddle:
    """`heddle run` on the same inputs, which it reads from files."""

    name: str
    arithmetic: str
    command: list[str]
    details: str = ""

    def run(self) -> Sample:
        """One warm-up and then INFERENCES in a fresh process."""
        document = json.loads(run_program(self.command))
        if self.name != f"Heddle {document['precision']}":  # such as a float folder given as --quantized
            raise SystemExit(f"{self.name}: {self.command[2]} ran in {document['precision']}")
        milliseconds = dict.fromkeys(STAGES, 0.0)
        for stage in document["stages"]:
            if stage["name"] in milliseconds:
                milliseconds[stage["name"]] += stage["milliseconds"]
        return Sample(milliseconds, np.asarray(document["actions"], np.float32))


def run_program(command: list[str]) -> str:
    """What it prints; stops when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"failed: {' '.join(command)}\n{result.stderr}")
    return result.stdout


def heddle_contenders(arguments: argparse.Namespace, inputs: smolvla.Inputs, scratch: Path) -> list[Heddle]:
    program = str(arguments.heddle.resolve())
    options = []
    for name, pixels in inputs.pictures.items():
        picture = scratch / f"{name}.png"
        Image.fromarray(pixels).save(picture)
        options += ["--image", f"{name}={picture}"]
    # repr of a float32 as a double has all its digits, so all sides read the same state
    state = ",".join(repr(float(value)) for value in inputs.state)
    noise = scratch / "noise.safetensors"
    smolvla.write_safetensors(noise, {"noise": inputs.noise}, {})
    options += ["--task", arguments.task, f"--state={state}"]  # "=": the first number may be negative
    options += ["--noise", str(noise), "--steps", str(arguments.steps)]
    options += ["--threads", str(arguments.threads), "--repeat", str(INFERENCES), "--json"]

    def contender(precision: str, arithmetic: str, directory: Path, *more: str) -> Heddle:
        return Heddle(f"Heddle {precision}", arithmetic, [program, "run", str(directory), *options, *more])

    def quantised(bits: int) -> Path:
        directory = scratch / f"w{bits}a8"
        run_program([program, "quantize", str(arguments.directory), "--weights", str(bits), "-o", str(directory)])
        return directory

    contenders = [
        contender("f32", "f32", arguments.directory, "--precision", "f32"),
        contender("bf16", "bf16", arguments.directory, "--precision", "bf16"),
        contender("w8a8", "int8", arguments.quantized or quantised(8)),
    ]
    if arguments.w4a8:
        contenders.append(contender("w4a8", "int8", quantised(4)))
    return contenders


def machine_peak(program: Path, threads: int) -> dict[str, float]:
    """Measured multiply-add peak per arithmetic in 10^9 operations a second; empty when the program was not built."""
    if not program.is_file():
        return {}
    document = json.loads(run_program([str(program.resolve()), "--json", "--threads", str(threads)]))
    peak = {"f32": document["f32_gflops"], "bf16": document["bf16_gflops"], "int8": document["int8_gops"]}
    return {arithmetic: rate for arithmetic, rate in peak.items() if rate > 0}  # 0: no such instructions


# ------------------------------------------------------------------------------------------ comparison


def vision_macs(vision: Any) -> int:
    """Multiply-accumulates of the vision tower for one picture, from its transformers configuration."""
    tokens = (vision.image_size // vision.patch_size) ** 2
    hidden, inner = vision.hidden_size, vision.intermediate_size
    patches = tokens * vision.num_channels * vision.patch_size**2 * hidden
    projections = tokens * (4 * hidden**2 + 2 * hidden * inner)  # q, k, v, out; fc1, fc2
    attention = 2 * tokens**2 * hidden  # scores, and probabilities times values
    return patches + vision.num_hidden_layers * (projections + attention)


def agreement(name: str, results: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Cosine, and largest difference as a fraction of the largest value; stops when a contender is too far off."""
    if results.shape != expected.shape:
        raise SystemExit(f"{name} gives {results.shape} values, {REFERENCE} {expected.shape}")
    a, b = results.ravel().astype(np.float64), expected.ravel().astype(np.float64)
    cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
    difference = float(np.abs(a - b).max() / np.abs(b).max())
    if not (difference <= MOST_DIFFERENCE.get(name, np.inf) and cosine >= LEAST_COSINE.get(name, -np.inf)):
        raise SystemExit(
            f"{name}: cosine {cosine:.6f} to {REFERENCE}, largest difference {difference:.2e} of the largest value: "
            f"the two do not compute the same, so their times are not comparable"
        )
    return {"cosine": cosine, "largest_difference": difference}


def compare(arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Runs all contenders in turn, `--runs` times, and returns the document that --json prints."""
    reference = load_policy(arguments.directory, "float32", arguments.steps)
    inputs = make_inputs(arguments, reference)
    f32 = PyTorch(REFERENCE, "f32", reference, inputs, arguments.task)
    mixed = load_policy(arguments.directory, "checkpoint", arguments.steps)
    record = TowerRecord.of(f32)
    contenders: list[Contender] = [
        *heddle_contenders(arguments, inputs, scratch),
        f32,
        PyTorch("PyTorch bf16", "bf16", mixed, inputs, arguments.task),
        fastest(dynamic_int8(f32)),
        *onnx_contenders(vision_tower(reference), record, scratch, arguments.threads),
    ]
    series = [Series(contender, arguments.accept_noise) for contender in contenders]
    for contender in contenders:
        contender.run()  # warm-up
    for attempt in range(arguments.runs * (1 if arguments.accept_noise else ATTEMPTS_PER_RUN)):
        for one in series:
            one.add_sample()
        quiet = min(len(one.quiet()) for one in series)
        print(f"round {attempt + 1}: {quiet} of {arguments.runs} quiet", file=sys.stderr)
        if quiet >= arguments.runs:
            break
    operations = 2 * vision_macs(vision_tower(reference).config) * arguments.cameras
    peak = machine_peak(arguments.peak, arguments.threads)
    by_name = {one.contender.name: one for one in series}
    actions, features = by_name[REFERENCE].samples[-1].results, np.concatenate(record.features)
    packages = {name: importlib.metadata.version(name) for name in ("onnx", "onnxruntime")}
    return {
        "checkpoint": arguments.directory.name,
        "cameras": arguments.cameras,
        "steps": arguments.steps,
        "threads": arguments.threads,
        "runs": arguments.runs,
        "noise_accepted": arguments.accept_noise,
        "versions": lerobot_reference.versions() | packages,
        "vision_gmac": operations / 2e9,
        "peak_gops": peak,
        "contenders": [
            summarise(one, by_name[OURS], operations, peak)
            | agreement(name, one.samples[-1].results, features if isinstance(one.contender, OnnxRuntime) else actions)
            for name, one in by_name.items()
        ],
    }


def make_inputs(arguments: argparse.Namespace, reference: lerobot_reference.Reference) -> smolvla.Inputs:
    """Seeded 640x480 frames for the first cameras of the config, and a state and noise that go with them."""
    available = [key.removeprefix("observation.images.") for key in reference.policy.config.image_features]
    if not 1 <= arguments.cameras <= len(available):
        raise SystemExit(f"--cameras must be 1 to {len(available)}: the checkpoint has {', '.join(available)}")
    cameras = tuple(smolvla.Camera(name, 640, 480) for name in available[: arguments.cameras])
    return smolvla.make_inputs(smolvla.Case("bench", "", cameras, arguments.task, seed=1), reference)


def summarise(series: Series, ours: Series, vision_operations: int, peak: dict[str, float]) -> dict[str, Any]:
    contender = series.contender
    result: dict[str, Any] = {"name": contender.name, "details": contender.details}
    for stage in STAGES:
        if stage in series.samples[0].milliseconds:
            milliseconds = series.median(stage)
            result[stage] = {"ms": milliseconds, "ratio": milliseconds / ours.median(stage)}
    rate = vision_operations / (series.median("vision") * 1e6)
    result["vision"]["gops"] = rate
    if contender.arithmetic in peak:
        result["vision"]["of_peak"] = rate / peak[contender.arithmetic]
    result["samples"] = {"quiet": len(series.quiet()), "all": len(series.samples)}
    return result


def print_table(document: dict[str, Any]) -> None:
    print(
        f"SmolVLA {document['checkpoint']}: {document['cameras']} camera(s), {document['steps']} steps, "
        f"{document['threads']} thread(s), medians of interleaved runs (measured)"
    )
    print(
        f"{'':20}{'total ms':>10}{'ratio':>8}{'vision ms':>11}{'ratio':>8}{'of peak':>9}{'cosine':>10}"
        f"{'difference':>12}{'quiet':>12}"
    )
    for row in document["contenders"]:
        line = f"{row['name']:20}"
        for stage, width in zip(STAGES, (10, 11), strict=True):
            times = row.get(stage)
            line += f"{times['ms']:{width}.1f}{times['ratio']:7.2f}x" if times else f"{'-':>{width}}{'-':>8}"
        line += f"{row['vision']['of_peak']:9.0%}" if "of_peak" in row["vision"] else f"{'-':>9}"
        quiet = f"{row['samples']['quiet']} of {row['samples']['all']}"
        print(f"{line}{row['cosine']:10.6f}{row['largest_difference']:12.1e}{quiet:>12}")
    print(f"ratio: time over that of {OURS}. cosine and difference (largest, over largest value): of actions to")
    print(f"{REFERENCE}'s; ONNX Runtime's: of the vision tower's output.")
    for row in document["contenders"]:
        if row["details"]:
            print(f"{row['name']}: {row['details']}")
    if document["peak_gops"]:
        rates = ", ".join(f"{name} {rate:.0f}" for name, rate in document["peak_gops"].items())
        print(f"peak, 10^9 operations a second: {rates}; the vision tower has {document['vision_gmac']:.3f} Gmac")
    if document["noise_accepted"]:
        print("NOISE ACCEPTED: medians over all samples, quiet or not; these times are not to be quoted")
    elif any(row["samples"]["quiet"] == 0 for row in document["contenders"]):
        print("NOT COMPARABLE: other processes used the machine during every sample of a contender")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR", help="a SmolVLA checkpoint")
    parser.add_argument("--quantized", type=Path, metavar="QDIR", help="its w8a8; default: quantise it now")
    parser.add_argument("--w4a8", action="store_true", help="also quantise it to 4-bit weights, and time that")
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10, help="Euler steps")
    parser.add_argument("--threads", type=int, default=2, help="threads of each contender")
    parser.add_argument("--runs", type=int, default=5, help="quiet samples wanted of each contender")
    parser.add_argument("--accept-noise", action="store_true", help="count samples that are not quiet, too")
    parser.add_argument("--task", default="pick up the red cube and put it in the box")
    parser.add_argument("--heddle", type=Path, default=ROOT / "build" / "heddle")
    parser.add_argument("--peak", type=Path, default=ROOT / "build" / "heddle_bench_peak")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    if not arguments.heddle.is_file():
        raise SystemExit(f"{arguments.heddle} does not exist: build Heddle first, or name it with --heddle")
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as scratch:
        document = compare(arguments, Path(scratch))
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        print_table(document)


if __name__ == "__main__":
    main()
