// Multiplies IEEE 754 binary32 numbers: y = a * b.
//
// Rounds to nearest, ties to even; subnormals, infinities and signed zeros as IEEE 754; any NaN is 0x7fc00000.
// Two DSPs. Latency: 6 cycles in which ce is high. One product a cycle.
module fp32_mul (
    input logic clk, input logic ce,
    input logic [31:0] a, input logic [31:0] b,
    output logic [31:0] y
);
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
  logic [3:0] flags1, flags3;  // Sign, zero, infinity, NaN.
  logic [9:0] exponent1, exponent3;
  logic [23:0] a1, b1;
  always_ff @(posedge clk) begin
    if (ce) begin
      flags1 <= {a_sign ^ b_sign, a_zero || b_zero, a_inf || b_inf,
                 a_nan || b_nan || (a_inf && b_zero) || (a_zero && b_inf)};
      exponent1 <= a_exponent + b_exponent - 10'd127;
      a1 <= a_significand;
      b1 <= b_significand;
    end
  end

  // 2, 3. Multiply in two pieces that fit a DSP each, and add them.
  logic [40:0] low;
  logic [30:0] high;
  logic [47:0] product;
  delay_line #(.WIDTH(14), .LATENCY(2)) sideband (.clk, .ce, .in({flags1, exponent1}), .out({flags3, exponent3}));
  always_ff @(posedge clk) begin
    if (ce) begin
      low <= a1 * b1[16:0];
      high <= a1 * b1[23:17];
      product <= {7'd0, low} + {high, 17'd0};
    end
  end

  // 4. Normalise: the product is in [1, 4).
  logic [3:0] flags4;
  logic [9:0] exponent4;
  logic [25:0] significand4;
  always_ff @(posedge clk) begin
    if (ce) begin
      flags4 <= flags3;
      exponent4 <= exponent3 + {9'd0, product[47]};
      significand4 <= product[47] ? {product[47:23], product[22:0] != 0} : {product[46:22], product[21:0] != 0};
    end
  end

  fp32_round round (
      .clk, .ce, .sign(flags4[3]), .exponent(exponent4), .significand(significand4), .is_zero(flags4[2]),
      .is_inf(flags4[1]), .is_nan(flags4[0]), .out(y)
  );
endmodule
