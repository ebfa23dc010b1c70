// A value CYCLES enabled cycles later: registers that map to shift-register LUTs.
module delay #(
  parameter int WIDTH = 8,
  parameter int CYCLES = 2
) (
  input logic clk,
  input logic ce,
  input logic [WIDTH - 1:0] d,
  output logic [WIDTH - 1:0] q
);
  logic [WIDTH * CYCLES - 1:0] line;
  generate
    if (CYCLES == 1) begin : g_one
      always_ff @(posedge clk) if (ce) line <= d;
    end else begin : g_line
      always_ff @(posedge clk) if (ce) line <= {line[WIDTH * (CYCLES - 1) - 1:0], d};
    end
  endgenerate
  assign q = line[WIDTH * CYCLES - 1 -: WIDTH];
endmodule
