#!/usr/bin/env python3
"""Checks the layers of the source tree (docs/architecture.md): includes point down, only a model's own
folder knows its name, none knows a board's, and every header opens with its purpose. Prints one line per violation."""

import pathlib
import re
import sys

# A folder includes itself and what stands on a later line, never a neighbour on its own line.
LAYERS = [
    {"apps"},
    {"serve", "card"},
    {"engine", "cost"},
    {"model", "kernel"},
    {"tensor", "board", "report"},
    {"base"},
]
LEVEL = {folder: level for level, folders in enumerate(LAYERS) for folder in folders}
# What the order of LAYERS would allow.
FORBIDDEN = {("engine", "kernel")}
# Each belongs to one model: only that folder, the list of all models, the programs and the tests include it.
MODEL_FOLDERS = {"smolvla", "tinyllava", "switch"}
MODEL_LIST = "model/registry.cpp"
# These know of no other part of model/.
CLOSED_MODEL_FOLDERS = {"text", "image"}
MODEL_NAMES = re.compile(
    r"smol_?(vla|vlm|lm)|tiny_?llava|\bllava|switch[-_ ]?(base|transformer)|\bphi[-_]?\d|siglip|lerobot",
    re.IGNORECASE,
)
ROOT = pathlib.Path(__file__).resolve().parent.parent
BOARD_NAMES = re.compile("|".join(sorted(path.stem for path in (ROOT / "boards").glob("*.json"))), re.IGNORECASE)
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def include_problem(source, include):
    """Why the file `source` (its path below src/, or apps/...) must not include `include`, or None."""
    of, to = source.split("/"), include.split("/")
    if of[0] == "apps":
        return None
    if to[0] not in LEVEL or to[0] == "apps" or len(to) < 2:
        return f'"{include}" is not a path below src/, such as "base/file.h"'
    if of[0] not in LEVEL:
        return f'folder "{of[0]}" is not among the layers'
    if to[0] != of[0] and (LEVEL[to[0]] <= LEVEL[of[0]] or (of[0], to[0]) in FORBIDDEN):
        return f"{of[0]} must not include {to[0]}"
    if to[0] == "model" and to[1] in MODEL_FOLDERS and of[:2] != to[:2] and source != MODEL_LIST:
        return f"only model/{to[1]}, {MODEL_LIST}, apps and tests may include model/{to[1]}"
    if of[0] == to[0] == "model" and of[1] in CLOSED_MODEL_FOLDERS and of[1] != to[1]:
        return f"model/{of[1]} must not include other parts of model"
    return None


def problems_of(source, text):
    """(line number, problem) for each violation in the file `source` with this text."""
    lines = text.splitlines() or [""]
    if source.endswith(".h") and not re.match(r"// \S", lines[0]):
        yield 1, "the first line of a header says its purpose in a comment"
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        problem = include and include_problem(source, include.group(1))
        if problem:
            yield number, problem
        name = MODEL_NAMES.search(line)
        if name and source.split("/")[0] not in ("apps", "model"):
            yield number, f'the model name "{name.group()}" appears outside src/model'
        board = BOARD_NAMES.search(line)
        if board:
            yield number, f'the board name "{board.group()}" appears outside boards'


def main():
    files = [(path, str(path.relative_to(ROOT / "src"))) for path in (ROOT / "src").rglob("*")]
    files += [(path, str(path.relative_to(ROOT))) for path in (ROOT / "apps").rglob("*")]
    files = [(path, source) for path, source in sorted(files) if path.suffix in (".h", ".cpp")]
    count = 0
    for path, source in files:
        for number, problem in problems_of(source, path.read_text(encoding="utf-8")):
            print(f"{path.relative_to(ROOT)}:{number}: {problem}")
            count += 1
    print(f"{len(files)} files, {count} violations")
    return 1 if count or not files else 0


if __name__ == "__main__":
    sys.exit(main())
