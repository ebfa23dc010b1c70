#!/usr/bin/env python3
"""Compares rtl/dsp48e2_model.sv with AMD's own simulation model, cycle by cycle, in Icarus Verilog.

    tests/rtl/unisim.py PATH/TO/DSP48E2.v [--configurations 50] [--cycles 20000] [--seed 1]

The vendor's file comes from the public XilinxUnisimLibrary (verilog/src/unisims). Each configuration is a random choice
of registers, multiplexers and pre-adder; operands, modes, enables and resets are random in every cycle. Run from the
repository's root."""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

ENABLES = ["A1", "A2", "B1", "B2", "C", "D", "AD", "M", "P", "INMODE", "CTRL", "ALUMODE", "CARRYIN"]
RESETS = ["A", "B", "C", "D", "M", "P", "INMODE", "CTRL", "ALUMODE", "ALLCARRYIN"]
OPERANDS = {"A": 30, "B": 18, "C": 48, "D": 27, "ACIN": 30, "BCIN": 18, "PCIN": 48}
OUTPUTS = {"P": 48, "PCOUT": 48, "ACOUT": 30, "BCOUT": 18}

BENCH = """
module bench_{index};
  reg CLK = 0;
{registers}
{wires}
  DSP48E2 #({parameters}) theirs (.CARRYINSEL(3'd0), .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0), {inputs}, {their_outputs});
  DSP48E2_model #({parameters}) ours ({inputs}, {our_outputs});
  integer cycle, seed = {seed}, compared = 0, wrong = 0;
  reg done = 0;
  reg [1:0] x;
  task drive(input integer busy);
    begin
{stimuli}
      x = $random(seed);
      OPMODE[1:0] = x == 2'b01 ? {product} : x == 2'b11 ? {joined} : x == 2'b10 && {has_p} ? 2'b10 : 2'b00;
      OPMODE[3:2] = OPMODE[1:0] == 2'b01 ? 2'b01 : ($random(seed) & 1) ? 2'b11 : 2'b00;
      x = $random(seed);
      OPMODE[6:4] = x == 0 ? 3'b000 : x == 1 ? 3'b001 : x == 2 ? 3'b011 : 3'b101;
      if ({has_p} && ($random(seed) & 1)) OPMODE[6:4] = ($random(seed) & 1) ? 3'b010 : 3'b110;
      x = $random(seed);
      OPMODE[8:7] = x == 1 && !{has_p} ? 2'b00 : x;
      ALUMODE = $random(seed) & 3;
    end
  endtask
  initial begin
    #1; drive(0); {all_resets} = {{{reset_count}{{1'b1}}}}; {all_enables} = {{{enable_count}{{1'b1}}}};
    repeat (4) begin #1 CLK = 1; #1 CLK = 0; end
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
      drive(1);
      #10;
      if ({theirs} !== {ours}) begin
        wrong = wrong + 1;
        if (wrong < 4) $display("differs: configuration {index}, cycle %0d: theirs %h ours %h opmode %b alumode %b inmode %b", cycle, {theirs}, {ours}, OPMODE, ALUMODE, INMODE);
      end
      compared = compared + 1;
      CLK = 1; #1 CLK = 0; #1;
    end
    if (wrong != 0) $display("differs: configuration {index} has {shown}");
    $display("configuration {index}: %0d cycles, %0d differ", compared, wrong);
  end
endmodule
"""


def configuration(choose):
    a, b = choose.randint(0, 2), choose.randint(0, 2)
    adds = choose.random() < 0.5
    values = {
        "AREG": a, "BREG": b,
        "ACASCREG": choose.choice([a, 1]) if a == 2 else a,
        "BCASCREG": choose.choice([b, 1]) if b == 2 else b,
        "A_INPUT": choose.choice(["DIRECT", "CASCADE"]),
        "B_INPUT": choose.choice(["DIRECT", "CASCADE"]),
        "AMULTSEL": "AD" if adds else "A",
        "PREADDINSEL": choose.choice("AB") if adds else "A",
        "USE_MULT": choose.choice(["MULTIPLY", "MULTIPLY", "NONE"]),
    }
    for name in ["CREG", "DREG", "ADREG", "MREG", "PREG", "INMODEREG", "OPMODEREG", "ALUMODEREG", "CARRYINREG"]:
        values[name] = int(choose.random() < 0.7)
    if values["USE_MULT"] == "NONE":
        values["MREG"] = 0
    return values


def bench(index, choose, cycles):
    values = configuration(choose)
    parameters = [f'.{k}("{v}")' if isinstance(v, str) else f".{k}({v})" for k, v in values.items()]
    parameters.append(f".RND(48'h{choose.getrandbits(48):x})")
    widths = dict(OPERANDS, INMODE=5, OPMODE=9, ALUMODE=4, CARRYIN=1)
    enables, resets = [f"CE{name}" for name in ENABLES], [f"RST{name}" for name in RESETS]
    widths.update({name: 1 for name in enables + resets})
    # Operands are extremes now and then; resets are rare.
    stimuli = [
        f"      {name} = ($random(seed) & 7) == 0 ? {{{width}{{1'b1}}}} << ($random(seed) & 63) : {{$random(seed), $random(seed)}};"
        for name, width in OPERANDS.items()
    ]
    stimuli += ["      INMODE = $random(seed);", "      CARRYIN = $random(seed);"]
    stimuli += [f"      {name} = ($random(seed) & 7) != 0;" for name in enables]
    stimuli += [f"      {name} = busy && ($random(seed) & 63) == 0;" for name in resets]
    joined = {f"{who}": "{" + ", ".join(f"{who}_{name}" for name in OUTPUTS) + "}" for who in ("theirs", "ours")}
    return BENCH.format(
        index=index, cycles=cycles, seed=choose.getrandbits(31), parameters=", ".join(parameters), shown=str(values).replace('"', ""),
        registers="\n".join(f"  reg [{width - 1}:0] {name} = 0;" for name, width in widths.items()),
        wires="\n".join(f"  wire [{width - 1}:0] theirs_{name}, ours_{name};" for name, width in OUTPUTS.items()),
        inputs=", ".join(f".{name}({name})" for name in ["CLK", *widths]),
        their_outputs=", ".join(f".{name}(theirs_{name})" for name in OUTPUTS),
        our_outputs=", ".join(f".{name}(ours_{name})" for name in OUTPUTS),
        stimuli="\n".join(stimuli),
        product="2'b01" if values["USE_MULT"] == "MULTIPLY" else "2'b00",
        joined="2'b11" if values["USE_MULT"] == "NONE" else "2'b00",
        has_p=f"1'b{values['PREG']}",
        all_resets="{" + ", ".join(resets) + "}", reset_count=len(resets),
        all_enables="{" + ", ".join(enables) + "}", enable_count=len(enables),
        theirs=joined["theirs"], ours=joined["ours"],
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unisim", type=pathlib.Path, nargs="?", metavar="DSP48E2.v")
    parser.add_argument("--configurations", type=int, default=50)
    parser.add_argument("--cycles", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.unisim is None or not options.unisim.is_file():
        print("skipped: name AMD's DSP48E2.v, which is not part of this repository")
        return 0
    choose = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = pathlib.Path("rtl/dsp48e2_model.sv").read_text(encoding="utf-8")
        # Icarus has no parameters of type string.
        model = model.replace("module DSP48E2 ", "module DSP48E2_model ").replace("parameter string", "parameter")
        (folder / "model.sv").write_text(model, encoding="utf-8")
        (folder / "glbl.v").write_text("module glbl; wire GSR = 1'b0; endmodule\n", encoding="utf-8")
        benches = [bench(i, choose, options.cycles) for i in range(options.configurations)]
        (folder / "bench.sv").write_text("`timescale 1ps/1ps\n" + "".join(benches), encoding="utf-8")
        tops = [argument for i in range(options.configurations) for argument in ("-s", f"bench_{i}")]
        subprocess.run(["iverilog", "-g2012", "-o", folder / "sim", *tops, "-s", "glbl", options.unisim, folder / "glbl.v",
                        folder / "model.sv", folder / "bench.sv"], check=True, stderr=subprocess.DEVNULL)
        output = subprocess.run(["vvp", "-n", folder / "sim"], check=True, capture_output=True, text=True).stdout
    lines = [line for line in output.splitlines() if line.startswith(("configuration", "differs"))]
    print("\n".join(lines))
    finished = [line for line in lines if line.startswith("configuration")]
    return 0 if len(finished) == options.configurations and all(line.endswith(" 0 differ") for line in finished) else 1


if __name__ == "__main__":
    sys.exit(main())
