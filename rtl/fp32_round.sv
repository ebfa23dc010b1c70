// Rounds a number to binary32: to nearest, ties to even, subnormal results and overflow to infinity included.
//
// The number is (-1)^sign * significand * 2^(exponent - 152), with the top bit of significand set and its low bit
// sticky (some lower bit of the exact value is set); exponent is signed. is_nan goes before is_inf before is_zero;
// a NaN becomes 0x7fc00000. Latency: 2 cycles in which ce is high.
module fp32_round (
    input logic clk, input logic ce,
    input logic sign, input logic [9:0] exponent, input logic [25:0] significand,
    input logic is_zero, input logic is_inf, input logic is_nan,
    output logic [31:0] out
);
  // Denormalise.
  logic tiny, huge;
  logic [9:0] below;
  logic [4:0] shift;
  logic [25:0] shifted, lost;
  assign tiny = exponent[9] || exponent == 0;
  assign huge = !exponent[9] && exponent >= 10'd255;
  assign below = 10'd1 - exponent;
  assign shift = !tiny ? 5'd0 : below > 10'd26 ? 5'd26 : below[4:0];
  assign shifted = significand >> shift;
  assign lost = significand & ~(26'h3ffffff << shift);

  logic sign1, special, nan1;
  logic [7:0] exponent1;
  logic [25:0] significand1;
  always_ff @(posedge clk) begin
    if (ce) begin
      sign1 <= sign;
      nan1 <= is_nan;
      special <= is_nan || is_inf || is_zero || huge;
      exponent1 <= is_inf || (!is_zero && huge) ? 8'hff : is_zero || tiny ? 8'd0 : exponent[7:0];
      significand1 <= {shifted[25:1], shifted[0] || lost != 0};
    end
  end

  logic up;
  assign up = significand1[1] && (significand1[0] || significand1[2]);
  always_ff @(posedge clk) begin
    if (ce) begin
      if (nan1) out <= 32'h7fc00000;
      else if (special) out <= {sign1, exponent1, 23'd0};
      else out <= {sign1, {exponent1, significand1[24:2]} + {30'd0, up}};
    end
  end

  /* verilator lint_off UNUSEDSIGNAL */
  logic leading;  // Implied by the exponent.
  /* verilator lint_on UNUSEDSIGNAL */
  assign leading = significand1[25];
endmodule
