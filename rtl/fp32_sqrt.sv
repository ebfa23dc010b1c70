// The square root of an IEEE 754 binary32 number: y = sqrt(a).
//
// Rounds to nearest, ties to even; subnormals, infinities and signed zeros as IEEE 754; any NaN is 0x7fc00000.
// Digit recurrence, one bit of the root a stage. Latency: 28 cycles in which ce is high. One root a cycle.
module fp32_sqrt (
    input logic clk, input logic ce,
    input logic [31:0] a,
    output logic [31:0] y
);
  localparam int BITS = 25;  // 24 of the result and one to round by.

  // 1. Take apart; make the exponent even, which leaves a radicand in [1, 4) as 2 + 48 bits.
  logic a_sign, a_zero, a_inf, a_nan;
  logic [9:0] a_exponent, half;
  logic [23:0] a_significand;
  fp32_unpack unpack_a (
      .in(a), .sign(a_sign), .exponent(a_exponent), .significand(a_significand), .is_zero(a_zero), .is_inf(a_inf),
      .is_nan(a_nan)
  );
  assign half = {a_exponent[9], a_exponent[9:1]};  // The bias is odd: an odd exponent field is an even exponent.
  logic [3:0] flags1, flags;  // Sign, zero, infinity, NaN.
  logic [9:0] exponent1, exponent;
  logic [2*BITS-1:0] radicand[0:BITS];  // What is left of it, at the top.
  logic [BITS+1:0] remainder[0:BITS];
  logic [BITS-1:0] root[0:BITS];
  always_ff @(posedge clk) begin
    if (ce) begin
      flags1 <= {a_sign, a_zero, a_inf, a_nan || (a_sign && !a_zero)};
      exponent1 <= half + 10'd63 + {9'd0, a_exponent[0]};
      radicand[0] <= a_exponent[0] ? {1'b0, a_significand, 25'd0} : {a_significand, 26'd0};
    end
  end
  delay_line #(.WIDTH(14), .LATENCY(BITS)) sideband (.clk, .ce, .in({flags1, exponent1}), .out({flags, exponent}));
  assign remainder[0] = 0;
  assign root[0] = 0;

  // 2 to 26. A bit at a time.
  for (genvar i = 0; i < BITS; i++) begin : step
    logic [BITS+1:0] more;
    logic [BITS+2:0] less;
    assign more = {remainder[i][BITS-1:0], radicand[i][2*BITS-1-:2]};
    assign less = {1'b0, more} - {1'b0, root[i], 2'b01};
    always_ff @(posedge clk) begin
      if (ce) begin
        radicand[i+1] <= radicand[i] << 2;
        remainder[i+1] <= less[BITS+2] ? more : less[BITS+1:0];
        root[i+1] <= {root[i][BITS-2:0], !less[BITS+2]};
      end
    end
  end

  fp32_round round (
      .clk, .ce, .sign(flags[3]), .exponent, .significand({root[BITS], remainder[BITS] != 0}), .is_zero(flags[2]),
      .is_inf(flags[1]), .is_nan(flags[0]), .out(y)
  );
endmodule
