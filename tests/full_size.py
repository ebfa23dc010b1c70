#!/usr/bin/env python3
"""The full-size model, too large for every run of the tests: full_size.py HEDDLE FOLDER makes a checkpoint in
FOLDER if there is none, runs it with one and with three cameras in both precisions, and checks that the actions
do not depend on the number of threads, that memory stays within bounds, and that the float engine makes as many
products with weights as `heddle analyze` counts. Prints what it saw; exits with 1 if something does not hold."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

# In bfloat16 a run may need this much more than the checkpoint has bytes.
MEMORY_MARGIN = 500 * 10**6


def run(arguments):
    """Runs a command to its end; returns the largest resident set of its process in bytes."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))} ended with {process.returncode}")
    return usage.ru_maxrss * 1024


def arguments_of_run(heddle, model, cameras):
    images = []
    for camera in range(1, cameras + 1):
        # Two pictures serve three cameras.
        images += ["--image", f"camera{camera}=examples/table/camera{(camera - 1) % 2 + 1}.png"]
    return [heddle, "run", model, *images, "--state", "0.1,-0.2,0.3,0,0,1", "--task",
            "put the red cube in the blue bowl"]


def actions(heddle, model, cameras, precision, threads):
    """The actions as the bytes of an .npy file, and the memory that they took."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "actions.npy"
        memory = run([*arguments_of_run(heddle, model, cameras), "--precision", precision, "--threads", str(threads),
                      "-o", output])
        return output.read_bytes(), memory


def executed_products(heddle, model, cameras):
    """Multiply-accumulates of all matrix products that oneDNN reports to have executed in one run."""
    log = subprocess.run([*arguments_of_run(heddle, model, cameras), "--json"], check=True, text=True,
                         stdout=subprocess.PIPE, env={**os.environ, "ONEDNN_VERBOSE": "1"}).stdout
    total = 0
    for line in log.splitlines():
        fields = line.split(",")
        if fields[0] == "onednn_verbose" and fields[1] == "exec" and fields[3] == "matmul":
            (rows, depth), (_, columns) = (map(int, shape.split("x")) for shape in fields[9].split(":")[:2])
            total += rows * depth * columns
    return total


def counted_products(heddle, model, cameras, tokens):
    output = subprocess.run([heddle, "analyze", model, "--cameras", str(cameras), "--tokens", str(tokens), "--json"],
                            check=True, text=True, stdout=subprocess.PIPE).stdout
    return sum(stage["operations"]["linear"] for phase in json.loads(output)["phases"] for stage in phase["stages"])


def main():
    heddle, model = sys.argv[1], pathlib.Path(sys.argv[2])
    if not model.exists():
        run([heddle, "synth", "smolvla", "--size", "full", "--seed", "1", "-o", model])
    checkpoint = (model / "model.safetensors").stat().st_size
    good = True
    for cameras in (1, 3):
        for precision in ("f32", "bf16"):
            first, memory = actions(heddle, model, cameras, precision, 1)
            equal = all(actions(heddle, model, cameras, precision, n)[0] == first for n in (2, 4))
            fits = precision == "f32" or memory <= checkpoint + MEMORY_MARGIN
            print(f"{cameras} camera(s), {precision}: 1, 2 and 4 threads {'agree' if equal else 'DIFFER'}, "
                  f"{memory / 1e6:.0f} MB{'' if fits else ', TOO MUCH'}", flush=True)
            good = good and equal and fits
        executed = executed_products(heddle, model, cameras)
        # How many tokens the task has is the tokenizer's to know: one number must fit.
        fitting = [tokens for tokens in range(1, 49) if counted_products(heddle, model, cameras, tokens) == executed]
        print(f"{cameras} camera(s): {executed} products with weights executed, counted for {fitting} tokens", flush=True)
        good = good and len(fitting) == 1
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
