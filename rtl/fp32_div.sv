// Divides IEEE 754 binary32 numbers: y = a / b.
//
// Rounds to nearest, ties to even; subnormals, infinities and signed zeros as IEEE 754; any NaN is 0x7fc00000.
// Restoring division, one quotient bit a stage. Latency: 29 cycles in which ce is high. One quotient a cycle.
module fp32_div (
    input logic clk, input logic ce,
    input logic [31:0] a, input logic [31:0] b,
    output logic [31:0] y
);
  localparam int BITS = 25;  // 24 of the result and one to round by.

  // 1. Take apart.
  logic a_sign, a_zero, a_inf, a_nan, b_sign, b_zero, b_inf, b_nan;
  logic [9:0] a_exponent, b_exponent;
  logic [23:0] a_significand, b_significand;
  fp32_unpack unpack_a (
      .in(a), .sign(a_sign), .exponent(a_exponent), .significand(a_significand), .is_zero(a_zero), .is_inf(a_inf),
      .is_nan(a_nan)
  );
  fp32_unpack unpack_b (
      .in(b), .sign(b_sign), .exponent(b_exponent), .significand(b_significand), .is_zero(b_zero), .is_inf(b_inf),
      .is_nan(b_nan)
  );
  logic [3:0] flags1, flags;  // Sign, zero, infinity, NaN.
  logic [9:0] exponent1, exponent2, exponent;
  logic [23:0] a1, b1;
  always_ff @(posedge clk) begin
    if (ce) begin
      flags1 <= {a_sign ^ b_sign, a_zero || b_inf, a_inf || b_zero,
                 a_nan || b_nan || (a_inf && b_inf) || (a_zero && b_zero)};
      exponent1 <= a_exponent - b_exponent + 10'd127;
      a1 <= a_significand;
      b1 <= b_significand;
    end
  end
  delay_line #(.WIDTH(4), .LATENCY(BITS + 1)) flags_delay (.clk, .ce, .in(flags1), .out(flags));
  delay_line #(.WIDTH(10), .LATENCY(BITS)) exponent_delay (.clk, .ce, .in(exponent2), .out(exponent));

  // 2. Make the quotient lie in [1, 2).
  logic [24:0] remainder[0:BITS];  // Below twice the divisor.
  logic [23:0] divisor[0:BITS];
  logic [BITS-1:0] quotient[0:BITS];
  always_ff @(posedge clk) begin
    if (ce) begin
      exponent2 <= exponent1 - {9'd0, a1 < b1};
      remainder[0] <= a1 < b1 ? {a1, 1'b0} : {1'b0, a1};
      divisor[0] <= b1;
    end
  end
  assign quotient[0] = 0;

  // 3 to 27. A bit at a time.
  for (genvar i = 0; i < BITS; i++) begin : step
    /* verilator lint_off UNUSEDSIGNAL */  // Less than the divisor, it has 24 bits and a sign.
    logic [25:0] less;
    /* verilator lint_on UNUSEDSIGNAL */
    assign less = {1'b0, remainder[i]} - {2'd0, divisor[i]};
    always_ff @(posedge clk) begin
      if (ce) begin
        remainder[i+1] <= less[25] ? {remainder[i][23:0], 1'b0} : {less[23:0], 1'b0};
        divisor[i+1] <= divisor[i];
        quotient[i+1] <= {quotient[i][BITS-2:0], !less[25]};
      end
    end
  end

  fp32_round round (
      .clk, .ce, .sign(flags[3]), .exponent, .significand({quotient[BITS], remainder[BITS] != 0}), .is_zero(flags[2]),
      .is_inf(flags[1]), .is_nan(flags[0]), .out(y)
  );
endmodule
