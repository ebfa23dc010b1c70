// Delays lane i of a vector by i cycles: what a systolic cascade asks of its operands.
//
// LANES lanes of WIDTH bits, lane 0 in the low bits. Put it once before an operand that several cascades share.
module skew #(
    parameter int LANES = 8,
    parameter int WIDTH = 8
) (
    input logic clk, input logic ce,
    input logic [LANES*WIDTH-1:0] in, output logic [LANES*WIDTH-1:0] out
);
  for (genvar i = 0; i < LANES; i++) begin : lane
    delay_line #(.WIDTH(WIDTH), .LATENCY(i)) delay (
        .clk, .ce, .in(in[i*WIDTH+:WIDTH]), .out(out[i*WIDTH+:WIDTH])
    );
  end
endmodule
