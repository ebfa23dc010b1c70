// The arithmetic of AMD's DSP48E2 slice for simulation; synthesis takes the vendor's own cell of that name.
//
// Ports and parameters are those of UG579 that Heddle may use: the 27x18 multiplier with its pre-adder, the 48-bit
// adder with its W, X, Y and Z multiplexers, every pipeline register, and the A, B and P cascades. Left out: SIMD,
// the logic unit, pattern detection, wide XOR, and carries between slices. A parameter or an ALUMODE outside of
// this ends the simulation with an error.
/* verilator lint_off DECLFILENAME */  // The cell's name is the vendor's.
module DSP48E2 #(
    parameter string A_INPUT = "DIRECT",
    parameter string B_INPUT = "DIRECT",
    parameter string AMULTSEL = "A",
    parameter string BMULTSEL = "B",
    parameter string PREADDINSEL = "A",
    parameter string USE_MULT = "MULTIPLY",
    parameter string USE_SIMD = "ONE48",
    parameter int AREG = 1,
    parameter int BREG = 1,
    parameter int ACASCREG = 1,
    parameter int BCASCREG = 1,
    parameter int CREG = 1,
    parameter int DREG = 1,
    parameter int ADREG = 1,
    parameter int MREG = 1,
    parameter int PREG = 1,
    parameter int INMODEREG = 1,
    parameter int OPMODEREG = 1,
    parameter int ALUMODEREG = 1,
    parameter int CARRYINREG = 1,
    parameter logic [47:0] RND = 48'd0
) (
    input logic CLK,
    input logic [29:0] A,
    input logic [17:0] B,
    input logic [47:0] C,
    input logic [26:0] D,
    input logic [29:0] ACIN,
    input logic [17:0] BCIN,
    input logic [47:0] PCIN,
    input logic [4:0] INMODE,
    input logic [8:0] OPMODE,
    input logic [3:0] ALUMODE,
    input logic CARRYIN,
    input logic CEA1,
    input logic CEA2,
    input logic CEB1,
    input logic CEB2,
    input logic CEC,
    input logic CED,
    input logic CEAD,
    input logic CEM,
    input logic CEP,
    input logic CEINMODE,
    input logic CECTRL,
    input logic CEALUMODE,
    input logic CECARRYIN,
    input logic RSTA,
    input logic RSTB,
    input logic RSTC,
    input logic RSTD,
    input logic RSTM,
    input logic RSTP,
    input logic RSTINMODE,
    input logic RSTCTRL,
    input logic RSTALUMODE,
    input logic RSTALLCARRYIN,
    output logic [29:0] ACOUT,
    output logic [17:0] BCOUT,
    output logic [47:0] P,
    output logic [47:0] PCOUT
);
  initial begin
    if (USE_SIMD != "ONE48") $fatal(1, "DSP48E2 model: USE_SIMD is not modelled");
    if (USE_MULT != "MULTIPLY" && USE_MULT != "NONE") $fatal(1, "DSP48E2 model: USE_MULT is not modelled");
    if (A_INPUT != "DIRECT" && A_INPUT != "CASCADE") $fatal(1, "DSP48E2 model: A_INPUT");
    if (B_INPUT != "DIRECT" && B_INPUT != "CASCADE") $fatal(1, "DSP48E2 model: B_INPUT");
    if (AMULTSEL != "A" && AMULTSEL != "AD") $fatal(1, "DSP48E2 model: AMULTSEL");
    if (BMULTSEL != "B" && BMULTSEL != "AD") $fatal(1, "DSP48E2 model: BMULTSEL");
    if (PREADDINSEL != "A" && PREADDINSEL != "B") $fatal(1, "DSP48E2 model: PREADDINSEL");
    if (AREG < 0 || AREG > 2 || (ACASCREG != AREG && !(AREG == 2 && ACASCREG == 1))) begin
      $fatal(1, "DSP48E2 model: AREG and ACASCREG");
    end
    if (BREG < 0 || BREG > 2 || (BCASCREG != BREG && !(BREG == 2 && BCASCREG == 1))) begin
      $fatal(1, "DSP48E2 model: BREG and BCASCREG");
    end
  end

  // Operands. With one register it is the second one that is in the path.
  logic [29:0] a_in, a1, a2, a_alu;
  logic [17:0] b_in, b1, b2, b_alu;
  assign a_in = A_INPUT == "CASCADE" ? ACIN : A;
  assign b_in = B_INPUT == "CASCADE" ? BCIN : B;
  always_ff @(posedge CLK) begin
    if (RSTA || AREG == 0) a1 <= 0;
    else if (CEA1) a1 <= a_in;
    if (RSTA || AREG == 0) a2 <= 0;
    else if (CEA2) a2 <= AREG == 2 ? a1 : a_in;
    if (RSTB || BREG == 0) b1 <= 0;
    else if (CEB1) b1 <= b_in;
    if (RSTB || BREG == 0) b2 <= 0;
    else if (CEB2) b2 <= BREG == 2 ? b1 : b_in;
  end
  assign a_alu = AREG == 0 ? a_in : a2;
  assign b_alu = BREG == 0 ? b_in : b2;
  assign ACOUT = ACASCREG == AREG ? a_alu : a1;
  assign BCOUT = BCASCREG == BREG ? b_alu : b1;

  logic [47:0] c_reg, c;
  always_ff @(posedge CLK) begin
    if (RSTC || CREG == 0) c_reg <= 0;
    else if (CEC) c_reg <= C;
  end
  assign c = CREG == 0 ? C : c_reg;

  // Control.
  logic [4:0] inmode_reg, inmode;
  logic [8:0] opmode_reg, opmode;
  logic [3:0] alumode_reg, alumode;
  logic carry_reg, carry;
  always_ff @(posedge CLK) begin
    if (RSTINMODE || INMODEREG == 0) inmode_reg <= 0;
    else if (CEINMODE) inmode_reg <= INMODE;
    if (RSTCTRL || OPMODEREG == 0) opmode_reg <= 0;
    else if (CECTRL) opmode_reg <= OPMODE;
    if (RSTALUMODE || ALUMODEREG == 0) alumode_reg <= 0;
    else if (CEALUMODE) alumode_reg <= ALUMODE;
    if (RSTALLCARRYIN || CARRYINREG == 0) carry_reg <= 0;
    else if (CECARRYIN) carry_reg <= CARRYIN;
  end
  assign inmode = INMODEREG == 0 ? INMODE : inmode_reg;
  assign opmode = OPMODEREG == 0 ? OPMODE : opmode_reg;
  assign alumode = ALUMODEREG == 0 ? ALUMODE : alumode_reg;
  assign carry = CARRYINREG == 0 ? CARRYIN : carry_reg;

  // Pre-adder.
  localparam bit PREADDS = AMULTSEL == "AD" || BMULTSEL == "AD";
  logic [26:0] a_mult, pre_ab, d_reg, d, ad_sum, ad_reg, ad;
  logic [17:0] b_mult;
  assign a_mult = PREADDINSEL == "A" && inmode[1] ? 27'd0 : inmode[0] ? a1[26:0] : a_alu[26:0];
  assign b_mult = PREADDINSEL == "B" && inmode[1] ? 18'd0 : inmode[4] ? b1 : b_alu;
  assign pre_ab = PREADDINSEL == "B" ? {{9{b_mult[17]}}, b_mult} : a_mult;
  assign d = inmode[2] ? (DREG == 0 || !PREADDS ? D : d_reg) : 27'd0;
  assign ad_sum = inmode[3] ? d - pre_ab : d + pre_ab;
  assign ad = ADREG == 0 ? ad_sum : ad_reg;
  always_ff @(posedge CLK) begin
    if (RSTD || DREG == 0 || !PREADDS) d_reg <= 0;
    else if (CED) d_reg <= D;
    if (RSTD || ADREG == 0 || !PREADDS) ad_reg <= 0;
    else if (CEAD) ad_reg <= ad_sum;
  end

  // Multiplier. The slice keeps the product as two partial ones, which X and Y take up together.
  logic [26:0] multiplicand;
  logic [17:0] multiplier;
  logic [47:0] product, m_reg, m;
  assign multiplicand = AMULTSEL == "AD" ? ad : a_mult;
  assign multiplier = BMULTSEL == "AD" ? ad[17:0] : b_mult;
  assign product = USE_MULT == "NONE" ? 48'd0 :
      {{21{multiplicand[26]}}, multiplicand} * {{30{multiplier[17]}}, multiplier};
  always_ff @(posedge CLK) begin
    if (RSTM || MREG == 0) m_reg <= 0;
    else if (CEM) m_reg <= product;
  end
  assign m = MREG == 0 ? product : m_reg;

  // Adder.
  logic [47:0] w, x, y, z, sum, p_reg;
  always_comb begin
    case (opmode[8:7])
      2'b00: w = 0;
      2'b01: w = p_reg;
      2'b10: w = RND;
      default: w = c;
    endcase
    case (opmode[1:0])
      2'b00: x = 0;
      2'b01: x = m;
      2'b10: x = p_reg;
      default: x = {a_alu, b_alu};
    endcase
    case (opmode[3:2])
      2'b00, 2'b01: y = 0;
      2'b10: y = '1;
      default: y = c;
    endcase
    case (opmode[6:4])
      3'b000: z = 0;
      3'b001: z = PCIN;
      3'b010, 3'b100: z = p_reg;
      3'b011: z = c;
      3'b101: z = {{17{PCIN[47]}}, PCIN[47:17]};
      default: z = {{17{p_reg[47]}}, p_reg[47:17]};
    endcase
    case (alumode[1:0])
      2'b00: sum = z + w + x + y + {47'd0, carry};
      2'b01: sum = ~z + w + x + y + {47'd0, carry};
      2'b10: sum = ~(z + w + x + y + {47'd0, carry});
      default: sum = z - (w + x + y + {47'd0, carry});
    endcase
  end
  always_ff @(posedge CLK) begin
    if (RSTP || PREG == 0) p_reg <= 0;
    else if (CEP) p_reg <= sum;
    if (alumode[3:2] != 0) $fatal(1, "DSP48E2 model: the logic unit (ALUMODE %b) is not modelled", alumode);
    if ((opmode[1:0] == 2'b01) != (opmode[3:2] == 2'b01)) begin
      $fatal(1, "DSP48E2 model: OPMODE %b takes half of the product", opmode);
    end
  end
  assign P = PREG == 0 ? sum : p_reg;
  assign PCOUT = P;
endmodule
