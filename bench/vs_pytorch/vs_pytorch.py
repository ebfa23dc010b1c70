"""Times lerobot's own SmolVLA on PyTorch against `heddle run`, on the same inputs, interleaved in one run.

    python bench/vs_pytorch/vs_pytorch.py DIR [--cameras 1] [--steps 10] [--threads 2] [--runs 5] [--json]

Both sides are timed inside their process, after loading and after one warm-up:
 - total: decoded pictures, task text and state in, actions in robot units out;
 - vision: the vision tower (patch embedding to last layer norm) over all cameras.
Precisions: f32 (every parameter upcast to float32) and bf16 (every parameter in the dtype it has in the
checkpoint, mostly bfloat16, which is what LeRobot runs). A time counts only if both sides' actions agree in
the same run, and only from samples during which other processes left the machine alone; when there are none,
that is said.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "golden"))

import lerobot_reference  # noqa: E402
import numpy as np  # noqa: E402
import smolvla  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

# Heddle's name of a precision -> lerobot_reference's name of what LeRobot keeps in memory for it.
PRECISIONS = {"f32": "float32", "bf16": "checkpoint"}

# Largest allowed difference of the two sides' actions, as a fraction of the largest action. bfloat16 has 8 bits
# and the two sides round at different places, so only gross errors can be told from rounding there.
TOLERANCE = {"f32": 1e-4, "bf16": 0.05}

STAGES = ("total", "vision")

# Inferences per sample, of which the median counts: a Heddle process loads and warms up for every sample.
INFERENCES = 3

# A sample is quiet when other processes used less than this many cores while it was taken. Two threads that wait
# for each other lose far more than the share of a core that a third process takes.
QUIET_CORES = 0.1

# How often to try for a quiet sample, per sample wanted.
ATTEMPTS_PER_RUN = 3


@dataclass
class Sample:
    """A few inferences in a row: median milliseconds per stage, and the actions [chunk, action_dim]."""

    milliseconds: dict[str, float]
    actions: np.ndarray
    foreign_cores: float = 0.0  # cores that other processes used meanwhile


@dataclass
class Series:
    samples: list[Sample] = field(default_factory=list)

    def quiet(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.foreign_cores < QUIET_CORES]

    def median(self, stage: str) -> float:
        """Milliseconds, over the quiet samples if there are any."""
        return statistics.median(sample.milliseconds[stage] for sample in self.quiet() or self.samples)


def watched(take_sample: Callable[..., Sample], *arguments: Any) -> Sample:
    """Takes a sample and notes how much of the machine other processes used meanwhile."""
    busy, own, begin = _busy_seconds(), _own_seconds(), time.perf_counter()
    sample = take_sample(*arguments)
    elapsed = time.perf_counter() - begin
    foreign_seconds = (_busy_seconds() - busy) - (_own_seconds() - own)
    sample.foreign_cores = max(0.0, foreign_seconds / elapsed)
    return sample


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


# --------------------------------------------------------------------------------------------- PyTorch


class PyTorch:
    """lerobot's policy with its pre- and postprocessor, at one precision."""

    def __init__(self, directory: Path, precision: str, steps: int):
        with contextlib.redirect_stdout(sys.stderr):  # lerobot prints while loading; --json must stay pure
            self._reference = lerobot_reference.load(directory, PRECISIONS[precision])
        policy = self._reference.policy
        policy.config.num_steps = steps
        self._vision = policy.model.vlm_with_expert.get_vlm_model().vision_model
        # The tower's fastest attention on a CPU. The decoder's attention is lerobot's own and has no choice.
        self._vision.set_attn_implementation("sdpa")

    @property
    def reference(self) -> lerobot_reference.Reference:
        return self._reference

    def run(self, inputs: smolvla.Inputs, task: str) -> Sample:
        samples = [self._infer(inputs, task) for _ in range(INFERENCES)]
        medians = {stage: statistics.median(s.milliseconds[stage] for s in samples) for stage in STAGES}
        return Sample(medians, samples[-1].actions)

    def _infer(self, inputs: smolvla.Inputs, task: str) -> Sample:
        reference = self._reference
        reference.policy.reset()
        pictures = {f"observation.images.{name}": pixels for name, pixels in inputs.pictures.items()}
        with torch.inference_mode(), self._timed_vision() as vision_milliseconds:
            begin = time.perf_counter()
            batch = reference.preprocess(lerobot_reference.observation(pictures, inputs.state, task))
            noise = torch.from_numpy(inputs.noise.copy())[None]
            actions = reference.postprocess(reference.policy.predict_action_chunk(batch, noise=noise))
            total = 1e3 * (time.perf_counter() - begin)
        return Sample({"total": total, "vision": sum(vision_milliseconds)}, actions[0].float().numpy())

    @contextlib.contextmanager
    def _timed_vision(self) -> Iterator[list[float]]:
        """Milliseconds of each run of the vision tower, one per camera."""
        begins, durations = [], []
        before = self._vision.register_forward_pre_hook(lambda *_: begins.append(time.perf_counter()))
        after = self._vision.register_forward_hook(
            lambda *_: durations.append(1e3 * (time.perf_counter() - begins[-1]))
        )
        try:
            yield durations
        finally:
            before.remove()
            after.remove()


# ---------------------------------------------------------------------------------------------- Heddle


@dataclass
class Heddle:
    """`heddle run` on the same inputs, which it reads from files in a scratch folder."""

    program: Path
    directory: Path
    scratch: Path
    steps: int
    threads: int

    def write_inputs(self, inputs: smolvla.Inputs) -> None:
        for name, pixels in inputs.pictures.items():
            Image.fromarray(pixels).save(self.scratch / f"{name}.png")
        smolvla.write_safetensors(self.scratch / "noise.safetensors", {"noise": inputs.noise}, {})

    def run(self, inputs: smolvla.Inputs, task: str, precision: str) -> Sample:
        """One warm-up and then INFERENCES in a fresh process."""
        command = [str(self.program), "run", str(self.directory)]
        for name in inputs.pictures:
            command += ["--image", f"{name}={self.scratch / name}.png"]
        # repr of a float32 as a double has all its digits, so both sides read the same state
        state = ",".join(repr(float(value)) for value in inputs.state)
        command += ["--task", task, f"--state={state}"]  # "=": the first number may be negative
        command += ["--noise", str(self.scratch / "noise.safetensors"), "--steps", str(self.steps)]
        command += ["--precision", precision, "--threads", str(self.threads), "--repeat", str(INFERENCES), "--json"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise SystemExit(f"failed: {' '.join(command)}\n{result.stderr}")
        document = json.loads(result.stdout)
        milliseconds = dict.fromkeys(STAGES, 0.0)
        for stage in document["stages"]:
            if stage["name"] in milliseconds:
                milliseconds[stage["name"]] += stage["milliseconds"]
        return Sample(milliseconds, np.asarray(document["actions"], np.float32))


def machine_peak(program: Path, threads: int) -> dict[str, float]:
    """Measured multiply-add peak in GFLOP/s per precision; empty when the program was not built."""
    if not program.is_file():
        return {}
    command = [str(program), "--json", "--threads", str(threads)]
    document = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"f32": document["f32_gflops"], "bf16": document["bf16_gflops"]}


# ------------------------------------------------------------------------------------------ comparison


def vision_macs(vision: Any) -> int:
    """Multiply-accumulates of the vision tower for one picture, from its transformers configuration."""
    tokens = (vision.image_size // vision.patch_size) ** 2
    hidden, inner = vision.hidden_size, vision.intermediate_size
    patches = tokens * vision.num_channels * vision.patch_size**2 * hidden
    projections = tokens * (4 * hidden**2 + 2 * hidden * inner)  # q, k, v, out; fc1, fc2
    attention = 2 * tokens**2 * hidden  # scores, and probabilities times values
    return patches + vision.num_hidden_layers * (projections + attention)


def check_agreement(precision: str, pytorch: np.ndarray, heddle: np.ndarray) -> float:
    """The largest difference of the actions as a fraction of the largest action; stops when it is too large."""
    if pytorch.shape != heddle.shape:
        raise SystemExit(f"{precision}: PyTorch gives actions {pytorch.shape}, Heddle {heddle.shape}")
    difference = float(np.abs(pytorch - heddle).max() / np.abs(pytorch).max())
    if not difference <= TOLERANCE[precision]:
        raise SystemExit(
            f"{precision}: the actions differ by {difference:.2e} of the largest action, more than "
            f"{TOLERANCE[precision]:.0e}: the two sides do not compute the same, so their times are not comparable"
        )
    return difference


def compare(arguments: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Runs both sides in turn, `--runs` times, and returns the document that --json prints."""
    sides = {precision: PyTorch(arguments.directory, precision, arguments.steps) for precision in PRECISIONS}
    reference = sides["f32"].reference
    inputs = make_inputs(arguments, reference)
    heddle = Heddle(arguments.heddle, arguments.directory, scratch, arguments.steps, arguments.threads)
    heddle.write_inputs(inputs)
    pytorch_series = {precision: Series() for precision in PRECISIONS}
    heddle_series = {precision: Series() for precision in PRECISIONS}
    for side in sides.values():
        side.run(inputs, arguments.task)  # warm-up
    for attempt in range(arguments.runs * ATTEMPTS_PER_RUN):
        for precision, side in sides.items():
            pytorch_series[precision].samples.append(watched(side.run, inputs, arguments.task))
            heddle_series[precision].samples.append(watched(heddle.run, inputs, arguments.task, precision))
        quiet = min(len(s.quiet()) for s in (*pytorch_series.values(), *heddle_series.values()))
        print(f"round {attempt + 1}: {quiet} of {arguments.runs} quiet", file=sys.stderr)
        if quiet >= arguments.runs:
            break
    vision = reference.policy.model.vlm_with_expert.config.vision_config
    operations = 2 * vision_macs(vision) * arguments.cameras
    peak = machine_peak(arguments.peak, arguments.threads)
    return {
        "checkpoint": arguments.directory.name,
        "cameras": arguments.cameras,
        "steps": arguments.steps,
        "threads": arguments.threads,
        "runs": arguments.runs,
        "versions": lerobot_reference.versions(),
        "vision_gmac": operations / 2e9,
        "precisions": {
            precision: summarise(precision, pytorch_series[precision], heddle_series[precision], operations, peak)
            for precision in PRECISIONS
        },
    }


def make_inputs(arguments: argparse.Namespace, reference: lerobot_reference.Reference) -> smolvla.Inputs:
    """Seeded 640x480 frames for the first cameras of the config, and a state and noise that go with them."""
    available = [key.removeprefix("observation.images.") for key in reference.policy.config.image_features]
    if not 1 <= arguments.cameras <= len(available):
        raise SystemExit(f"--cameras must be 1 to {len(available)}: the checkpoint has {', '.join(available)}")
    cameras = tuple(smolvla.Camera(name, 640, 480) for name in available[: arguments.cameras])
    return smolvla.make_inputs(smolvla.Case("bench", "", cameras, arguments.task, seed=1), reference)


def summarise(
    precision: str, pytorch: Series, heddle: Series, vision_operations: int, peak: dict[str, float]
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "actions_differ": check_agreement(precision, pytorch.samples[-1].actions, heddle.samples[-1].actions)
    }
    for stage in STAGES:
        ours, theirs = heddle.median(stage), pytorch.median(stage)
        result[stage] = {"pytorch_ms": theirs, "heddle_ms": ours, "speedup": theirs / ours}
    for side, series in (("pytorch", pytorch), ("heddle", heddle)):
        result[f"{side}_samples"] = {"quiet": len(series.quiet()), "all": len(series.samples)}
        gflops = vision_operations / (series.median("vision") * 1e6)
        result["vision"][f"{side}_gflops"] = gflops
        if precision in peak:
            result["vision"][f"{side}_of_peak"] = gflops / peak[precision]
    if precision in peak:
        result["peak_gflops"] = peak[precision]
    return result


def print_table(document: dict[str, Any]) -> None:
    print(
        f"SmolVLA {document['checkpoint']}: {document['cameras']} camera(s), {document['steps']} steps, "
        f"{document['threads']} thread(s), medians of interleaved runs (measured)"
    )
    print(f"{'':14}{'PyTorch ms':>12}{'Heddle ms':>12}{'speed-up':>10}{'of peak: PyTorch':>18}{'Heddle':>8}")
    for precision, result in document["precisions"].items():
        for stage in STAGES:
            row = result[stage]
            line = f"{precision:6}{stage:8}{row['pytorch_ms']:12.1f}{row['heddle_ms']:12.1f}{row['speedup']:9.2f}x"
            if "heddle_of_peak" in row:
                line += f"{row['pytorch_of_peak']:18.0%}{row['heddle_of_peak']:8.0%}"
            print(line)
        samples = [result["pytorch_samples"], result["heddle_samples"]]
        print(f"{'':14}" + "".join(f"{s['quiet']:6} of {s['all']:2}" for s in samples) + "  quiet samples")
        if any(s["quiet"] == 0 for s in samples):
            print(f"{'':14}NOT COMPARABLE: other processes used the machine during every sample of one side")
    differences = (f"{name} {result['actions_differ']:.1e}" for name, result in document["precisions"].items())
    print("largest difference of the actions, relative to the largest action: " + ", ".join(differences))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR", help="a SmolVLA checkpoint")
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10, help="Euler steps")
    parser.add_argument("--threads", type=int, default=2, help="threads of either side")
    parser.add_argument("--runs", type=int, default=5, help="quiet samples wanted of either side at either precision")
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
