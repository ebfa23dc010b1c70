// The multiplying primitives side by side, on the same operands.
module dot_bench (
    input logic clk,
    input logic ce,
    input logic first,
    input logic [159:0] a,
    input logic [159:0] w0,
    input logic [159:0] w1,
    output logic [18:0] dot1_p0,
    output logic [18:0] dot1_p1,
    output logic [18:0] dot3_p0,
    output logic [18:0] dot3_p1,
    output logic [18:0] dot7_p0,
    output logic [18:0] dot7_p1,
    output logic [18:0] dot8_p0,
    output logic [18:0] dot8_p1,
    output logic [18:0] skewed_p0,
    output logic [18:0] skewed_p1,
    output logic [31:0] tree5_p0,
    output logic [31:0] tree5_p1,
    output logic [31:0] tree20_p0,
    output logic [31:0] tree20_p1,
    output logic [31:0] mac_acc0,
    output logic [31:0] mac_acc1,
    input logic [26:0] mul_a,
    input logic [17:0] mul_b,
    input logic [47:0] mul_c,
    output logic [47:0] mul1,
    output logic [47:0] mul2,
    output logic [47:0] mul3,
    output logic [47:0] mul4
);
  packed_dot #(.DEPTH(1)) dot1 (
      .clk, .ce, .a(a[7:0]), .w0(w0[7:0]), .w1(w1[7:0]), .p0(dot1_p0), .p1(dot1_p1)
  );
  packed_dot #(.DEPTH(3)) dot3 (
      .clk, .ce, .a(a[23:0]), .w0(w0[23:0]), .w1(w1[23:0]), .p0(dot3_p0), .p1(dot3_p1)
  );
  packed_dot #(.DEPTH(7)) dot7 (
      .clk, .ce, .a(a[55:0]), .w0(w0[55:0]), .w1(w1[55:0]), .p0(dot7_p0), .p1(dot7_p1)
  );
  packed_dot #(.DEPTH(8)) dot8 (
      .clk, .ce, .a(a[63:0]), .w0(w0[63:0]), .w1(w1[63:0]), .p0(dot8_p0), .p1(dot8_p1)
  );
  logic [63:0] a_skewed, w0_skewed, w1_skewed;
  skew skew_a (.clk, .ce, .in(a[63:0]), .out(a_skewed));
  skew skew_w0 (.clk, .ce, .in(w0[63:0]), .out(w0_skewed));
  skew skew_w1 (.clk, .ce, .in(w1[63:0]), .out(w1_skewed));
  packed_dot #(.DEPTH(8), .A_SKEWED(1), .W_SKEWED(1)) skewed (
      .clk, .ce, .a(a_skewed), .w0(w0_skewed), .w1(w1_skewed), .p0(skewed_p0), .p1(skewed_p1)
  );
  packed_dot_tree #(.DEPTH(5)) tree5 (
      .clk, .ce, .a(a[39:0]), .w0(w0[39:0]), .w1(w1[39:0]), .p0(tree5_p0), .p1(tree5_p1)
  );
  packed_dot_tree #(.DEPTH(20)) tree20 (.clk, .ce, .a, .w0, .w1, .p0(tree20_p0), .p1(tree20_p1));
  packed_mac #(.DEPTH(8)) mac (
      .clk, .ce, .first, .a(a[63:0]), .w0(w0[63:0]), .w1(w1[63:0]), .acc0(mac_acc0), .acc1(mac_acc1)
  );
  mul_add #(.LATENCY(1)) mul_add1 (.clk, .ce, .a(mul_a), .b(mul_b), .c(mul_c), .p(mul1));
  mul_add #(.LATENCY(2)) mul_add2 (.clk, .ce, .a(mul_a), .b(mul_b), .c(mul_c), .p(mul2));
  mul_add #(.LATENCY(3)) mul_add3 (.clk, .ce, .a(mul_a), .b(mul_b), .c(mul_c), .p(mul3));
  mul_add #(.LATENCY(4)) mul_add4 (.clk, .ce, .a(mul_a), .b(mul_b), .c(mul_c), .p(mul4));
endmodule
