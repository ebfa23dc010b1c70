// The sum of DEPTH products x*w0 and, 18 bits above it, of DEPTH products x*w1, in a cascade of DEPTH DSP48E2.
//
// a, w0, w1: DEPTH signed bytes each, position 0 in the low bits. sum = dot(a, w0) + 2^18 * dot(a, w1), exactly.
// The pre-adder joins w1 * 2^18 and w0, so that one multiplier makes both products; P cascades add them up.
// Position i is added i cycles after position 0. The module delays a or w itself, unless A_SKEWED or W_SKEWED says
// that position i already arrives i cycles after position 0 (see skew, which several cascades can share).
// Latency: DEPTH + 3 cycles from position 0. One dot product a cycle.
// To unpack (see packed_dot): both sums must lie in -2^17 < sum <= 2^17, which any bytes do up to DEPTH = 8: the only
// sum out of a signed 18-bit number is 8 * (-128) * (-128) = 2^17 itself, and its bits stand for nothing else.
module packed_cascade #(
    parameter int DEPTH = 8,
    parameter bit A_SKEWED = 0,
    parameter bit W_SKEWED = 0
) (
    input logic clk, input logic ce,
    input logic [8*DEPTH-1:0] a, input logic [8*DEPTH-1:0] w0, input logic [8*DEPTH-1:0] w1,
    output logic [35:0] sum
);
`ifdef HEDDLE_FAST_DOTS
  // For simulations of large arrays: the same sums at the same time without a model of each DSP. It knows only what
  // this module delays itself.
  localparam bit FAST = !A_SKEWED && !W_SKEWED;
`else
  localparam bit FAST = 0;
`endif
  if (FAST) begin : products
    logic signed [35:0] total;
    always_comb begin
      total = 0;
      for (int i = 0; i < DEPTH; i++) begin
        total = total + 36'($signed(a[8*i+:8])) * ((36'($signed(w1[8*i+:8])) <<< 18) + 36'($signed(w0[8*i+:8])));
      end
    end
    delay_line #(.WIDTH(36), .LATENCY(DEPTH + 3)) cascade (.clk, .ce, .in(total), .out(sum));
  end else begin : dsps
    logic [8*DEPTH-1:0] a_skewed, w0_skewed, w1_skewed;
    if (A_SKEWED) begin : take_a
      assign a_skewed = a;
    end else begin : skew_a
      skew #(.LANES(DEPTH)) delays (.clk, .ce, .in(a), .out(a_skewed));
    end
    if (W_SKEWED) begin : take_w
      assign w0_skewed = w0;
      assign w1_skewed = w1;
    end else begin : skew_w
      skew #(.LANES(DEPTH)) delays0 (.clk, .ce, .in(w0), .out(w0_skewed));
      skew #(.LANES(DEPTH)) delays1 (.clk, .ce, .in(w1), .out(w1_skewed));
    end

    /* verilator lint_off UNUSEDSIGNAL */  // Only the last slice's P is used, and its low bits; the others cascade.
    wire [47:0] p[0:DEPTH-1];
    wire [47:0] partial[0:DEPTH];
    wire [29:0] acout[0:DEPTH-1];
    wire [17:0] bcout[0:DEPTH-1];
    /* verilator lint_on UNUSEDSIGNAL */
    assign partial[0] = 48'd0;
    assign sum = p[DEPTH-1][35:0];

    for (genvar i = 0; i < DEPTH; i++) begin : slice
      wire [7:0] x = a_skewed[8*i+:8];
      wire [7:0] low = w0_skewed[8*i+:8];
      wire [7:0] high = w1_skewed[8*i+:8];
      DSP48E2 #(
          .AMULTSEL("AD"), .AREG(1), .ACASCREG(1), .BREG(2), .BCASCREG(2), .DREG(1), .ADREG(1), .MREG(1), .PREG(1),
          .CREG(1), .INMODEREG(0), .OPMODEREG(0), .ALUMODEREG(0), .CARRYINREG(0)
      ) dsp (
          .CLK(clk), .A({{4{high[7]}}, high, 18'd0}), .B({{10{x[7]}}, x}), .C(48'd0), .D({{19{low[7]}}, low}),
          .ACIN(30'd0), .BCIN(18'd0), .PCIN(partial[i]),
          .INMODE(5'b00100), .OPMODE(i == 0 ? 9'b000000101 : 9'b000010101), .ALUMODE(4'd0), .CARRYIN(1'b0),
          .CEA1(1'b0), .CEA2(ce), .CEB1(ce), .CEB2(ce), .CEC(1'b0), .CED(ce), .CEAD(ce), .CEM(ce), .CEP(ce),
          .CEINMODE(1'b0), .CECTRL(1'b0), .CEALUMODE(1'b0), .CECARRYIN(1'b0),
          .RSTA(1'b0), .RSTB(1'b0), .RSTC(1'b0), .RSTD(1'b0), .RSTM(1'b0), .RSTP(1'b0), .RSTINMODE(1'b0),
          .RSTCTRL(1'b0), .RSTALUMODE(1'b0), .RSTALLCARRYIN(1'b0),
          .ACOUT(acout[i]), .BCOUT(bcout[i]), .P(p[i]), .PCOUT(partial[i+1])
      );
    end
  end
endmodule
