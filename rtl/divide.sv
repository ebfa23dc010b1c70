// Divides integers toward zero, as C does: the quotient or the remainder, one bit of the quotient a stage.
//
// A new pair may come in each cycle; the result follows by A_WIDTH + 2 cycles in which ce is high. Dividing by 0
// gives anything. An operand that is a literal (A_STEADY, B_STEADY) takes no registers: synthesis would find one
// stage of constants in each of its rounds.
module divide #(
    parameter int A_WIDTH = 8,
    parameter bit A_SIGNED = 1,
    parameter int B_WIDTH = 8,
    parameter bit B_SIGNED = 1,
    parameter int Q_WIDTH = 8,
    parameter bit REMAINDER = 0,
    parameter bit A_STEADY = 0,
    parameter bit B_STEADY = 0
) (
    input logic clk, input logic ce,
    input logic [A_WIDTH-1:0] a, input logic [B_WIDTH-1:0] b,
    output logic [Q_WIDTH-1:0] q
);
  localparam int W = B_WIDTH + 1;
  localparam int R = (A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH) + 2;
  wire a_negative = A_SIGNED & a[A_WIDTH-1];
  wire b_negative = B_SIGNED & b[B_WIDTH-1];
  wire [A_WIDTH-1:0] a_magnitude = a_negative ? -a : a;
  wire [B_WIDTH-1:0] b_magnitude = b_negative ? -b : b;
  generate
    for (genvar s = 0; s <= A_WIDTH; s++) begin : stage
      localparam int LEFT = s < A_WIDTH ? A_WIDTH - s : 1;
      localparam int BITS = s > 0 ? s : 1;
      localparam int REST = s < B_WIDTH ? BITS : B_WIDTH;
      /* verilator lint_off UNUSEDSIGNAL */  // The last stage hands little on.
      logic [LEFT-1:0] left;  // of the dividend
      logic [BITS-1:0] bits;  // of the quotient so far
      logic [REST-1:0] rest;
      logic [B_WIDTH-1:0] divisor;
      /* verilator lint_on UNUSEDSIGNAL */
      if (A_STEADY) assign left = LEFT'(a_magnitude);
      if (B_STEADY) assign divisor = b_magnitude;
      if (s == 0) begin : first
        assign bits = '0;
        assign rest = '0;
        if (!A_STEADY) always_ff @(posedge clk) if (ce) left <= a_magnitude;
        if (!B_STEADY) always_ff @(posedge clk) if (ce) divisor <= b_magnitude;
      end else begin : next
        wire [W-1:0] shifted = W'({stage[s-1].rest, stage[s-1].left[A_WIDTH-s]});
        wire fits = shifted >= W'(stage[s-1].divisor);
        if (!A_STEADY) always_ff @(posedge clk) if (ce) left <= LEFT'(stage[s-1].left);
        if (!B_STEADY) always_ff @(posedge clk) if (ce) divisor <= stage[s-1].divisor;
        always_ff @(posedge clk)
          if (ce) begin
            bits <= BITS'({stage[s-1].bits, fits});
            rest <= REST'(fits ? shifted - W'(stage[s-1].divisor) : shifted);
          end
      end
    end
  endgenerate
  wire is_negative;
  if (A_SIGNED || B_SIGNED) begin : signs
    delay_line #(.WIDTH(1), .LATENCY(A_WIDTH + 1)) line (
        .clk, .ce, .in(REMAINDER ? a_negative : a_negative ^ b_negative), .out(is_negative));
  end else begin : no_signs
    assign is_negative = 1'b0;
  end
  wire [R-1:0] magnitude = REMAINDER ? R'(stage[A_WIDTH].rest) : R'(stage[A_WIDTH].bits);
  always_ff @(posedge clk) if (ce) q <= Q_WIDTH'(is_negative ? -magnitude : magnitude);
endmodule
