// A value LATENCY enabled cycles later: registers that map to shift-register LUTs.
module delay_line #(
  parameter int WIDTH = 8,
  parameter int LATENCY = 2
) (
  input logic clk,
  input logic ce,
  input logic [WIDTH - 1:0] in,
  output logic [WIDTH - 1:0] out
);
  logic [WIDTH * LATENCY - 1:0] line;
  generate
    if (LATENCY == 1) begin : g_one
      always_ff @(posedge clk) if (ce) line <= in;
    end else begin : g_line
      always_ff @(posedge clk) if (ce) line <= {line[WIDTH * (LATENCY - 1) - 1:0], in};
    end
  endgenerate
  assign out = line[WIDTH * LATENCY - 1 -: WIDTH];
endmodule
