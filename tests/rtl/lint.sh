#!/usr/bin/env bash
# Every primitive of rtl/ passes Verilator's lint with all warnings, at its default parameters.
set -euo pipefail
count=0
for file in rtl/*.sv; do
  top=$(grep -oP '^module \K\w+' "$file")
  model=rtl/dsp48e2_model.sv
  [[ $file == "$model" ]] && file=
  verilator --lint-only -Wall -y rtl --top-module "$top" "$model" $file
  ((++count))
done
echo "$count primitives without a warning"
