// Adds or subtracts IEEE 754 binary32 numbers: y = sub ? a - b : a + b.
//
// Rounds to nearest, ties to even; subnormals, infinities and signed zeros as IEEE 754; any NaN is 0x7fc00000.
// Latency: 6 cycles in which ce is high. One sum a cycle.
module fp32_add (
    input logic clk, input logic ce,
    input logic sub, input logic [31:0] a, input logic [31:0] b,
    output logic [31:0] y
);
  // 1. The larger magnitude first; how far the smaller one must move.
  logic [31:0] b_signed, x, z;
  logic [7:0] x_exponent, z_exponent;
  assign b_signed = {b[31] ^ sub, b[30:0]};
  assign {x, z} = a[30:0] < b[30:0] ? {b_signed, a} : {a, b_signed};
  assign x_exponent = x[30:23] == 0 ? 8'd1 : x[30:23];
  assign z_exponent = z[30:23] == 0 ? 8'd1 : z[30:23];

  logic sign1, differ1, inf1, nan1, both_negative1;
  logic [7:0] exponent1, distance;
  logic [23:0] x1, z1;
  always_ff @(posedge clk) begin
    if (ce) begin
      sign1 <= x[31];
      differ1 <= x[31] != z[31];
      both_negative1 <= x[31] && z[31];
      exponent1 <= x_exponent;
      distance <= x_exponent - z_exponent;
      x1 <= {x[30:23] != 0, x[22:0]};
      z1 <= {z[30:23] != 0, z[22:0]};
      inf1 <= x[30:23] == 8'hff;
      nan1 <= (x[30:23] == 8'hff && x[22:0] != 0) || (z[30:23] == 8'hff && (z[22:0] != 0 || x[31] != z[31]));
    end
  end

  // 2. Align, keeping a guard, a round and a sticky bit.
  logic [26:0] aligned, lost;
  assign aligned = {z1, 3'd0} >> distance;
  assign lost = {z1, 3'd0} & ~(27'h7ffffff << distance);
  logic sign2, differ2, inf2, nan2, both_negative2;
  logic [7:0] exponent2;
  logic [26:0] x2, z2;
  always_ff @(posedge clk) begin
    if (ce) begin
      {sign2, differ2, inf2, nan2, both_negative2} <= {sign1, differ1, inf1, nan1, both_negative1};
      exponent2 <= exponent1;
      x2 <= {x1, 3'd0};
      z2 <= {aligned[26:1], aligned[0] || lost != 0};
    end
  end

  // 3. Add.
  logic sign3, inf3, nan3, both_negative3;
  logic [7:0] exponent3;
  logic [27:0] sum;
  always_ff @(posedge clk) begin
    if (ce) begin
      {sign3, inf3, nan3, both_negative3} <= {sign2, inf2, nan2, both_negative2};
      exponent3 <= exponent2;
      sum <= differ2 ? {1'b0, x2} - {1'b0, z2} : {1'b0, x2} + {1'b0, z2};
    end
  end

  // 4. Normalise.
  logic [4:0] shift;
  logic [27:0] top;
  normalise #(.WIDTH(28)) top_bit (.in(sum), .out(top), .shift);
  logic sign4, zero4, inf4, nan4;
  logic [9:0] exponent4;
  logic [25:0] significand4;
  always_ff @(posedge clk) begin
    if (ce) begin
      sign4 <= sum == 0 ? both_negative3 : sign3;  // x - x is +0.
      {zero4, inf4, nan4} <= {sum == 0, inf3, nan3};
      exponent4 <= {2'd0, exponent3} + 10'd1 - {5'd0, shift};
      significand4 <= {top[27:3], top[2:0] != 0};
    end
  end

  fp32_round round (
      .clk, .ce, .sign(sign4), .exponent(exponent4), .significand(significand4), .is_zero(zero4), .is_inf(inf4),
      .is_nan(nan4), .out(y)
  );
endmodule
