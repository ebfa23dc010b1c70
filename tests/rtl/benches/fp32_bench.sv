// The float units side by side, on the same operands.
module fp32_bench (
    input logic clk,
    input logic ce,
    input logic sub,
    input logic [31:0] a,
    input logic [31:0] b,
    input logic [63:0] raw,
    output logic [31:0] sum,
    output logic [31:0] product,
    output logic [31:0] quotient,
    output logic [31:0] root,
    output logic [31:0] floor,
    output logic [31:0] nearest_integer,
    output logic [15:0] bf16,
    output logic [31:0] from_int32,
    output logic [31:0] from_uint64,
    output logic [31:0] from_fixed,
    output logic [31:0] from_tiny,
    output logic [31:0] to_int32,
    output logic [15:0] to_truncate,
    output logic [15:0] to_nearest,
    output logic [15:0] to_nearest_zero,
    output logic [15:0] to_nearest_negative,
    output logic [15:0] to_nearest_infinity,
    output logic [7:0] to_nearest_even,
    output logic [63:0] to_uint64
);
  fp32_add add (.clk, .ce, .sub, .a, .b, .y(sum));
  fp32_mul mul (.clk, .ce, .a, .b, .y(product));
  fp32_div div (.clk, .ce, .a, .b, .y(quotient));
  fp32_sqrt square_root (.clk, .ce, .a, .y(root));
  fp32_integral round_down (.clk, .ce, .in(a), .out(floor));
  fp32_integral #(.TO_NEAREST(1)) round_nearest (.clk, .ce, .in(a), .out(nearest_integer));
  fp32_to_bf16 round_bf16 (.clk, .ce, .in(a), .out(bf16));
  fixed_to_fp32 int32 (.clk, .ce, .in(raw[31:0]), .out(from_int32));
  fixed_to_fp32 #(.WIDTH(64), .SIGNED(0)) uint64 (.clk, .ce, .in(raw), .out(from_uint64));
  fixed_to_fp32 #(.WIDTH(16), .FRACTION(10)) fixed (.clk, .ce, .in(raw[15:0]), .out(from_fixed));
  fixed_to_fp32 #(.WIDTH(30), .FRACTION(160)) tiny (.clk, .ce, .in(raw[29:0]), .out(from_tiny));
  fp32_to_fixed int32_wrap (.clk, .ce, .in(a), .out(to_int32));
  fp32_to_fixed #(.WIDTH(16), .FRACTION(8), .ROUNDING("truncate"), .OVERFLOW("saturate")) truncate (
      .clk, .ce, .in(a), .out(to_truncate)
  );
  fp32_to_fixed #(.WIDTH(16), .FRACTION(8), .ROUNDING("nearest"), .OVERFLOW("saturate_symmetric")) nearest (
      .clk, .ce, .in(a), .out(to_nearest)
  );
  fp32_to_fixed #(.WIDTH(16), .FRACTION(8), .ROUNDING("nearest_zero"), .OVERFLOW("saturate_zero")) nearest_zero (
      .clk, .ce, .in(a), .out(to_nearest_zero)
  );
  fp32_to_fixed #(.WIDTH(16), .FRACTION(8), .ROUNDING("nearest_negative")) nearest_negative (
      .clk, .ce, .in(a), .out(to_nearest_negative)
  );
  fp32_to_fixed #(
      .WIDTH(16), .FRACTION(8), .SIGNED(0), .ROUNDING("nearest_infinity"), .OVERFLOW("saturate")
  ) nearest_infinity (
      .clk, .ce, .in(a), .out(to_nearest_infinity)
  );
  fp32_to_fixed #(.WIDTH(8), .ROUNDING("nearest_even"), .OVERFLOW("saturate")) nearest_even (
      .clk, .ce, .in(a), .out(to_nearest_even)
  );
  fp32_to_fixed #(.WIDTH(64), .SIGNED(0), .OVERFLOW("wrap")) uint64_wrap (.clk, .ce, .in(a), .out(to_uint64));
endmodule
