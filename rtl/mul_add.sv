// A signed multiply-add on one DSP48E2: p = a * b + c.
//
// a 27, b 18, c and p 48 bits, signed, modulo 2^48. LATENCY 1 to 4 cycles in which ce is high: 1 registers the
// result, 2 the product too, 3 the operands too, and 4 the operands twice, for the fastest clocks.
module mul_add #(
    parameter int LATENCY = 3
) (
    input logic clk, input logic ce,
    input logic [26:0] a, input logic [17:0] b, input logic [47:0] c,
    output logic [47:0] p
);
  localparam int OPERAND_REGISTERS = LATENCY < 3 ? 0 : LATENCY - 2;
  localparam int CREG = LATENCY > 1 ? 1 : 0;
  logic [47:0] c_late;
  delay_line #(.WIDTH(48), .LATENCY(LATENCY - 1 - CREG)) align (.clk, .ce, .in(c), .out(c_late));

  /* verilator lint_off UNUSEDSIGNAL */
  wire [29:0] acout;
  wire [17:0] bcout;
  wire [47:0] pcout;
  /* verilator lint_on UNUSEDSIGNAL */
  DSP48E2 #(
      .AREG(OPERAND_REGISTERS), .ACASCREG(OPERAND_REGISTERS), .BREG(OPERAND_REGISTERS), .BCASCREG(OPERAND_REGISTERS),
      .CREG(CREG), .DREG(0), .ADREG(0), .MREG(LATENCY > 1 ? 1 : 0), .PREG(1), .INMODEREG(0), .OPMODEREG(0),
      .ALUMODEREG(0), .CARRYINREG(0)
  ) dsp (
      .CLK(clk), .A({{3{a[26]}}, a}), .B(b), .C(c_late), .D(27'd0), .ACIN(30'd0), .BCIN(18'd0), .PCIN(48'd0),
      .INMODE(5'd0), .OPMODE(9'b000110101), .ALUMODE(4'd0), .CARRYIN(1'b0),
      .CEA1(ce), .CEA2(ce), .CEB1(ce), .CEB2(ce), .CEC(ce), .CED(1'b0), .CEAD(1'b0), .CEM(ce), .CEP(ce),
      .CEINMODE(1'b0), .CECTRL(1'b0), .CEALUMODE(1'b0), .CECARRYIN(1'b0),
      .RSTA(1'b0), .RSTB(1'b0), .RSTC(1'b0), .RSTD(1'b0), .RSTM(1'b0), .RSTP(1'b0), .RSTINMODE(1'b0),
      .RSTCTRL(1'b0), .RSTALUMODE(1'b0), .RSTALLCARRYIN(1'b0),
      .ACOUT(acout), .BCOUT(bcout), .P(p), .PCOUT(pcout)
  );
endmodule
