// Compares IEEE 754 binary32 numbers.
//
// less: a < b; equal: a == b (the two zeros are equal). Both are 0 if a or b is NaN.
// Latency: 1 cycle in which ce is high. One comparison a cycle.
module fp32_compare (
    input logic clk,
    input logic ce,
    input logic [31:0] a,
    input logic [31:0] b,
    output logic less,
    output logic equal
);
  logic ordered, zeros;
  assign ordered = a[30:0] <= 31'h7f800000 && b[30:0] <= 31'h7f800000;
  assign zeros = a[30:0] == 0 && b[30:0] == 0;
  always_ff @(posedge clk) begin
    if (ce) begin
      equal <= ordered && (a == b || zeros);
      less <= ordered && !zeros && (a[31] != b[31] ? a[31] : a[31] ? a[30:0] > b[30:0] : a[30:0] < b[30:0]);
    end
  end
endmodule
