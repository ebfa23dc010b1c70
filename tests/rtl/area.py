#!/usr/bin/env python3
"""Synthesises every primitive with Yosys for UltraScale+ and prints its area as a Markdown table; fails where the
DSPs and memories are not those expected. Run from the repository's root."""

import json
import pathlib
import subprocess
import sys
import tempfile

# Primitive, parameters, and the DSP, BRAM36 and URAM it must take.
CASES = [
    ("packed_cascade", {}, (8, 0, 0)),
    ("packed_dot", {}, (8, 0, 0)),
    ("packed_dot", {"A_SKEWED": 1, "W_SKEWED": 1}, (8, 0, 0)),
    ("packed_dot_tree", {"DEPTH": 64}, (64, 0, 0)),
    ("packed_mac", {}, (8, 0, 0)),
    ("packed_mac", {"A_SKEWED": 1, "W_SKEWED": 1}, (8, 0, 0)),
    ("mul_add", {"LATENCY": 2}, (1, 0, 0)),
    ("mul_add", {"LATENCY": 4}, (1, 0, 0)),
    ("multiply", {}, (1, 0, 0)),
    ("multiply", {"A_WIDTH": 32, "B_WIDTH": 32, "P_WIDTH": 64, "LATENCY": 4}, (4, 0, 0)),
    ("divide", {}, (0, 0, 0)),
    ("skew", {}, (0, 0, 0)),
    ("delay_line", {"WIDTH": 8, "LATENCY": 16}, (0, 0, 0)),
    ("ram_sdp", {"WIDTH": 72, "DEPTH": 512}, (0, 1, 0)),
    ("ram_sdp", {"WIDTH": 64, "DEPTH": 4096, "WE_WIDTH": 8}, (0, 8, 0)),
    ("ram_sdp", {"WIDTH": 72, "DEPTH": 4096, "STYLE": '"ultra"'}, (0, 0, 1)),
    ("ram_sdp", {"WIDTH": 32, "DEPTH": 64, "STYLE": '"distributed"'}, (0, 0, 0)),
    ("ram_sdp", {"WIDTH": 32, "DEPTH": 16, "STYLE": '"registers"'}, (0, 0, 0)),
    ("ram_tdp", {"WIDTH": 36, "DEPTH": 1024}, (0, 1, 0)),
    ("rom", {"WIDTH": 16, "DEPTH": 1024, "INIT": "16384'h" + "".join(f"{i * 40503 & 65535:04x}" for i in range(1024))},
     (0, 0.5, 0)),
    ("fifo", {"WIDTH": 32, "DEPTH": 16}, (0, 0, 0)),
    ("fifo", {"WIDTH": 32, "DEPTH": 1024, "STYLE": '"block"'}, (0, 1, 0)),
    ("skid_buffer", {}, (0, 0, 0)),
    ("axi_read", {"WORD_WIDTH": 32, "DATA_WIDTH": 512}, (0, 0, 0)),
    ("axi_read", {"WORD_WIDTH": 512, "DATA_WIDTH": 512}, (0, 0, 0)),
    ("axi_write", {"WORD_WIDTH": 32, "DATA_WIDTH": 512}, (0, 0, 0)),
    ("axi_write", {"WORD_WIDTH": 512, "DATA_WIDTH": 512}, (0, 0, 0)),
    ("axi_read_words", {}, (0, 0, 0)),
    ("axi_read_words", {"WORD_WIDTH": 512, "DATA_WIDTH": 512}, (0, 0, 0)),
    ("axi_write_words", {}, (0, 0, 0)),
    ("axi_write_words", {"WORD_WIDTH": 512, "LANES": 64, "DATA_WIDTH": 512}, (0, 0, 0)),
    ("axi_lite_control", {}, (0, 0, 0)),
    ("fp32_add", {}, (0, 0, 0)),
    ("fp32_mul", {}, (2, 0, 0)),
    ("fp32_div", {}, (0, 0, 0)),
    ("fp32_sqrt", {}, (0, 0, 0)),
    ("fp32_compare", {}, (0, 0, 0)),
    ("fp32_to_bf16", {}, (0, 0, 0)),
    ("fp32_to_fixed", {}, (0, 0, 0)),
    ("fixed_to_fp32", {}, (0, 0, 0)),
]
# Parts of others, with no area of their own.
INNER = {"dsp48e2_model", "axi_bursts", "axi_merge", "normalise", "fp32_unpack", "fp32_round"}


def cells_of(top, parameters, folder):
    """Cell type -> count, flattened."""
    sources = sorted(path for path in pathlib.Path("rtl").glob("*.sv") if path.stem != "dsp48e2_model")
    script = [f"read_verilog -sv {' '.join(map(str, sources))}"]
    script += [f"chparam -set {name} {value} {top}" for name, value in parameters.items()]
    script += [f"synth_xilinx -family xcup -top {top} -noiopad -noclkbuf -flatten -uram", f"tee -o {folder}/stat stat -json"]
    (folder / "script").write_text("\n".join(script) + "\n", encoding="utf-8")
    subprocess.run(["yosys", "-q", "-s", str(folder / "script")], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text = (folder / "stat").read_text(encoding="utf-8")
    return json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]


def area_of(cells):
    """(LUT, LUT as memory or shift register, FF, CARRY4, DSP, BRAM36, URAM)"""

    def total(*kinds):
        return sum(count for kind, count in cells.items() if kind in kinds)

    luts = total(*(f"LUT{i}" for i in range(1, 7)))
    memory = total("SRL16E", "SRLC32E") + 8 * total("RAM32M16", "RAM64M8") + 4 * total("RAM32M", "RAM64M")
    registers = total("FDRE", "FDSE", "FDCE", "FDPE")
    brams = total("RAMB36E2") + total("RAMB18E2") / 2
    return luts, memory, registers, total("CARRY4"), total("DSP48E2"), brams, total("URAM288")


def main():
    print("| primitive | parameters | LUT | LUT as memory | FF | CARRY4 | DSP | BRAM36 | URAM |")
    print("|---|---|---|---|---|---|---|---|---|")
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        for top, parameters, expected in CASES:
            area = area_of(cells_of(top, parameters, pathlib.Path(name)))
            shown = ", ".join(f"{key}={value}" for key, value in parameters.items() if key != "INIT")
            print(f"| `{top}` | {shown} | " + " | ".join(f"{value:g}" for value in area) + " |", flush=True)
            if area[4:] != expected:
                print(f"error: {top} should take {expected} DSP, BRAM36, URAM", file=sys.stderr)
                wrong += 1
    missing = {path.stem for path in pathlib.Path("rtl").glob("*.sv")} - {case[0] for case in CASES} - INNER
    for top in sorted(missing):
        print(f"error: {top} is not synthesised here", file=sys.stderr)
    return 1 if wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main())
