// Takes a binary32 number apart: combinational.
//
// A finite number other than 0 is (-1)^sign * significand * 2^(exponent - 150), with the top bit of significand set:
// subnormal numbers are normalised too, so exponent (signed) goes down to -22.
module fp32_unpack (
    input logic [31:0] in,
    output logic sign, output logic [9:0] exponent, output logic [23:0] significand,
    output logic is_zero, output logic is_inf, output logic is_nan
);
  logic subnormal;
  logic [4:0] shift;
  assign sign = in[31];
  assign subnormal = in[30:23] == 0;
  assign is_zero = subnormal && in[22:0] == 0;
  assign is_inf = in[30:23] == 8'hff && in[22:0] == 0;
  assign is_nan = in[30:23] == 8'hff && in[22:0] != 0;
  normalise #(.WIDTH(24)) top_bit (.in({!subnormal, in[22:0]}), .out(significand), .shift);
  assign exponent = {2'd0, in[30:23]} + {9'd0, subnormal} - {5'd0, shift};
endmodule
