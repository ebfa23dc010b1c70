// Converts a fixed-point number or integer to binary32: out = in * 2^-FRACTION, to nearest, ties to even.
//
// in: WIDTH bits, two's complement if SIGNED. Latency: 4 cycles in which ce is high. One a cycle.
module fixed_to_fp32 #(
    parameter int WIDTH = 32,
    parameter int FRACTION = 0,
    parameter bit SIGNED = 1
) (
    input logic clk, input logic ce,
    input logic [WIDTH-1:0] in, output logic [31:0] out
);
  localparam int PADDED = WIDTH < 27 ? 27 : WIDTH;
  logic negative, sign1, sign2, zero2;
  logic [PADDED-1:0] magnitude, top;
  logic [$clog2(PADDED)-1:0] shift;
  logic [9:0] exponent2;
  logic [25:0] significand2;
  logic [WIDTH-1:0] positive;
  assign negative = SIGNED && in[WIDTH-1];
  assign positive = negative ? -in : in;
  normalise #(.WIDTH(PADDED)) top_bit (.in(magnitude), .out(top), .shift);
  always_ff @(posedge clk) begin
    if (ce) begin
      sign1 <= negative;
      magnitude <= PADDED'(positive);
      sign2 <= sign1;
      zero2 <= magnitude == 0;
      exponent2 <= 10'(127 + PADDED - 1 - FRACTION) - 10'(shift);
      significand2 <= {top[PADDED-1-:25], top[PADDED-26:0] != 0};
    end
  end
  fp32_round round (
      .clk, .ce, .sign(sign2), .exponent(exponent2), .significand(significand2), .is_zero(zero2), .is_inf(1'b0),
      .is_nan(1'b0), .out
  );
endmodule
