// Multiplies integers, pipelined: the registers are those of the DSPs that the product maps to.
//
// p, the lowest P_WIDTH bits of a * b, follows by LATENCY (2 or more) cycles in which ce is high.
module multiply #(
    parameter int A_WIDTH = 8,
    parameter bit A_SIGNED = 1,
    parameter int B_WIDTH = 8,
    parameter bit B_SIGNED = 1,
    parameter int P_WIDTH = 16,
    parameter int LATENCY = 3
) (
    input logic clk, input logic ce,
    input logic [A_WIDTH-1:0] a, input logic [B_WIDTH-1:0] b,
    output logic [P_WIDTH-1:0] p
);
  localparam int WIDTH = A_WIDTH + B_WIDTH + 2;
  logic signed [A_WIDTH:0] x;
  logic signed [B_WIDTH:0] y;
  always_ff @(posedge clk) if (ce) begin
    x <= {A_SIGNED & a[A_WIDTH-1], a};
    y <= {B_SIGNED & b[B_WIDTH-1], b};
  end
  /* verilator lint_off UNUSEDSIGNAL */  // Only the lowest bits are asked for.
  wire signed [WIDTH-1:0] product = x * y;
  /* verilator lint_on UNUSEDSIGNAL */
  delay_line #(.WIDTH(P_WIDTH), .LATENCY(LATENCY - 1)) registers (
      .clk, .ce, .in(P_WIDTH'(product)), .out(p));
endmodule
