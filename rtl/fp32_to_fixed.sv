// Converts a binary32 number to fixed point or integer: out = in * 2^FRACTION, rounded and fitted.
//
// out: WIDTH bits, two's complement if SIGNED. ROUNDING and OVERFLOW bear the names of the kernel language:
// "truncate" (down), "truncate_zero", "nearest" (ties up), "nearest_zero", "nearest_negative", "nearest_infinity",
// "nearest_even"; "wrap", "saturate", "saturate_zero", "saturate_symmetric". NaN, and an infinity that wraps, give 0.
// Latency: 4 cycles in which ce is high. One a cycle.
module fp32_to_fixed #(
    parameter int WIDTH = 32,
    parameter int FRACTION = 0,
    parameter bit SIGNED = 1,
    parameter ROUNDING = "truncate_zero",
    parameter OVERFLOW = "wrap"
) (
    input logic clk, input logic ce,
    input logic [31:0] in, output logic [WIDTH-1:0] out
);
  localparam int WIDE = (WIDTH < 24 ? 24 : WIDTH) + 1;  // The magnitude, rounded; what is above is lost.

  // 1. Take apart.
  logic sign, zero, inf, nan, sign1, zero1, inf1;
  logic [9:0] exponent;
  logic signed [9:0] up;  // How far to shift the significand to the left.
  logic [23:0] significand, significand1;
  fp32_unpack unpack (.in, .sign, .exponent, .significand, .is_zero(zero), .is_inf(inf), .is_nan(nan));
  always_ff @(posedge clk) begin
    if (ce) begin
      {sign1, zero1, inf1} <= {sign, zero || nan, inf};
      up <= exponent + 10'(FRACTION - 150);
      significand1 <= significand;
    end
  end

  // 2. Shift, keeping a guard and a sticky bit.
  logic [WIDE-1:0] whole;
  logic [24:0] kept, lost;
  logic [9:0] down;
  logic [4:0] drop;
  assign whole = WIDE'(significand1);
  assign down = -up;
  assign drop = up >= 0 ? 5'd0 : down > 10'd25 ? 5'd25 : down[4:0];
  assign kept = {significand1, 1'b0} >> drop;
  assign lost = {significand1, 1'b0} & ~(25'h1ffffff << drop);
  logic sign2, inf2, far2, guard, sticky;
  logic [WIDE-1:0] magnitude2;
  always_ff @(posedge clk) begin
    if (ce) begin
      {sign2, inf2} <= {sign1, inf1};
      far2 <= !zero1 && (inf1 || up > 10'(WIDE - 24));
      magnitude2 <= zero1 || inf1 ? '0 : up >= 0 ? whole << up : WIDE'(kept[24:1]);
      guard <= !zero1 && up < 0 && kept[0];
      sticky <= !zero1 && (lost != 0 || down > 10'd25) && up < 0;
    end
  end

  // 3. Round.
  logic away, sign3, inf3, far3;
  logic [WIDE-1:0] magnitude3;
  /* verilator lint_off WIDTH */  // Strings of different lengths.
  assign away = ROUNDING == "truncate" ? sign2 && (guard || sticky)
      : ROUNDING == "nearest" ? guard && (sticky || !sign2)
      : ROUNDING == "nearest_zero" ? guard && sticky
      : ROUNDING == "nearest_negative" ? guard && (sticky || sign2)
      : ROUNDING == "nearest_infinity" ? guard
      : ROUNDING == "nearest_even" ? guard && (sticky || magnitude2[0])
      : 1'b0;
  localparam bit WRAPS = OVERFLOW == "wrap";
  localparam bit TO_ZERO = OVERFLOW == "saturate_zero";
  localparam bit SYMMETRIC = OVERFLOW == "saturate_symmetric";
  /* verilator lint_on WIDTH */
  always_ff @(posedge clk) begin
    if (ce) begin
      {sign3, inf3, far3} <= {sign2, inf2, far2};
      magnitude3 <= magnitude2 + WIDE'(away && !inf2);
    end
  end

  // 4. Fit.
  localparam logic [WIDE-1:0] HIGHEST = (WIDE'(1) << (SIGNED ? WIDTH - 1 : WIDTH)) - 1'b1;
  localparam logic [WIDE-1:0] LOWEST = !SIGNED ? '0 : SYMMETRIC ? HIGHEST : HIGHEST + 1'b1;
  logic over;
  logic [WIDE-1:0] fitted;
  assign over = far3 || magnitude3 > (sign3 ? LOWEST : HIGHEST);
  always_comb begin
    fitted = magnitude3;
    if (over && !WRAPS) fitted = TO_ZERO ? '0 : sign3 ? LOWEST : HIGHEST;
    if (inf3 && WRAPS) fitted = '0;
  end
  always_ff @(posedge clk) if (ce) out <= WIDTH'(sign3 ? -fitted : fitted);
endmodule
