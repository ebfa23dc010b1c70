// Rounds a binary32 number to one without fraction: down, or to the nearest with ties to even.
//
// Signed zeros and infinities stay; any NaN is 0x7fc00000. Latency: 2 cycles in which ce is high. One a cycle.
module fp32_integral #(
    parameter bit TO_NEAREST = 0
) (
    input logic clk, input logic ce,
    input logic [31:0] in, output logic [31:0] out
);
  logic [7:0] exponent;
  logic [4:0] places;  // Of the fraction, if the magnitude is in [1, 2^23).
  logic [22:0] mask, lost, half;
  logic [30:0] one;
  logic sign, up;
  assign sign = in[31];
  assign exponent = in[30:23];
  assign places = 5'(8'd150 - exponent);
  assign mask = ~(23'h7fffff << places);
  assign lost = in[22:0] & mask;
  assign half = mask & ~(mask >> 1);
  assign one = {7'd0, {mask, 1'b1} & ~{1'b0, mask}};
  assign up = TO_NEAREST ? lost > half || (lost == half && (in[30:0] & one) != 0) : sign && lost != 0;

  logic sign1, nan1;
  logic [30:0] kept, step;
  always_ff @(posedge clk) begin
    if (ce) begin
      sign1 <= sign;
      nan1 <= in[30:0] > 31'h7f800000;
      if (exponent >= 8'd150) begin
        kept <= in[30:0];
        step <= 0;
      end else if (exponent < 8'd127) begin  // Below 1: becomes 0 or 1.
        kept <= 0;
        step <= (TO_NEAREST ? exponent == 8'd126 && in[22:0] != 0 : sign && in[30:0] != 0) ? 31'h3f800000 : 0;
      end else begin
        kept <= in[30:0] & ~{8'd0, mask};
        step <= up ? one : 0;
      end
      out <= nan1 ? 32'h7fc00000 : {sign1, kept + step};
    end
  end
endmodule
