// Two int8 dot products that share an operand, two products to a DSP48E2.
//
// p0 = dot(a, w0), p1 = dot(a, w1): DEPTH signed bytes each, position 0 in the low bits; p0, p1 signed.
// Exact for any bytes up to DEPTH = 8, for more only if the values are smaller (-2^17 < p <= 2^17, see packed_cascade);
// packed_dot_tree takes any DEPTH.
// A_SKEWED, W_SKEWED: see packed_cascade.
// Latency: DEPTH + 4 cycles in which ce is high, from position 0. One pair of dot products a cycle.
module packed_dot #(
    parameter int DEPTH = 8,
    parameter bit A_SKEWED = 0,
    parameter bit W_SKEWED = 0
) (
    input logic clk, input logic ce,
    input logic [8*DEPTH-1:0] a, input logic [8*DEPTH-1:0] w0, input logic [8*DEPTH-1:0] w1,
    output logic [18:0] p0, output logic [18:0] p1
);
  logic [35:0] sum;
  packed_cascade #(.DEPTH(DEPTH), .A_SKEWED(A_SKEWED), .W_SKEWED(W_SKEWED)) cascade (
      .clk, .ce, .a, .w0, .w1, .sum
  );
  // 18 bits 100...0 mean 2^17, never -2^17. A negative low sum has borrowed one from the high.
  wire low_is_negative = sum[17] & (|sum[16:0]);
  wire [17:0] high = sum[35:18] + {17'd0, low_is_negative};
  always_ff @(posedge clk) if (ce) begin
    p0 <= {low_is_negative, sum[17:0]};
    p1 <= {high[17] & (|high[16:0]), high};
  end
endmodule
