// Two accumulated int8 dot products that share an operand, two products to a DSP48E2: the cell of a matrix product.
//
// Each cycle adds dot(a, w0) to acc0 and dot(a, w1) to acc1 (signed, modulo 2^ACC_WIDTH); `first`, which comes with
// position 0, starts both anew. The unpacking carry is the carry-in of the accumulator, so it costs nothing.
// DEPTH and the skew parameters: see packed_cascade, whose range applies to each cycle's dot product.
// Latency: DEPTH + 4 cycles in which ce is high, from position 0. One step a cycle.
module packed_mac #(
    parameter int DEPTH = 8,
    parameter int ACC_WIDTH = 32,
    parameter bit A_SKEWED = 0,
    parameter bit W_SKEWED = 0
) (
    input logic clk, input logic ce, input logic first,
    input logic [8*DEPTH-1:0] a, input logic [8*DEPTH-1:0] w0, input logic [8*DEPTH-1:0] w1,
    output logic [ACC_WIDTH-1:0] acc0, output logic [ACC_WIDTH-1:0] acc1
);
  logic [35:0] sum;
  logic restart;
  packed_cascade #(.DEPTH(DEPTH), .A_SKEWED(A_SKEWED), .W_SKEWED(W_SKEWED)) cascade (
      .clk, .ce, .a, .w0, .w1, .sum
  );
  delay_line #(.WIDTH(1), .LATENCY(DEPTH + 3)) restarts (.clk, .ce, .in(first), .out(restart));
  // As in packed_dot; before the borrow is made good, too, 100...0 in the high sum only comes from 2^17.
  wire low_is_negative = sum[17] & (|sum[16:0]);
  wire high_is_negative = sum[35] & (|sum[34:18]);
  always_ff @(posedge clk) begin
    if (ce) begin
      acc0 <= (restart ? '0 : acc0) + {{(ACC_WIDTH - 18){low_is_negative}}, sum[17:0]};
      acc1 <= (restart ? '0 : acc1) + {{(ACC_WIDTH - 18){high_is_negative}}, sum[35:18]}
              + {{(ACC_WIDTH - 1){1'b0}}, low_is_negative};
    end
  end
endmodule
