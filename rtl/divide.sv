// Divides integers toward zero, as C does: the quotient or the remainder, one bit of the quotient a stage.
//
// A new pair may come in each cycle; the result follows by A_WIDTH + 2 cycles in which ce is high. Dividing by 0
// gives anything.
module divide #(
    parameter int A_WIDTH = 8,
    parameter bit A_SIGNED = 1,
    parameter int B_WIDTH = 8,
    parameter bit B_SIGNED = 1,
    parameter int Q_WIDTH = 8,
    parameter bit REMAINDER = 0
) (
    input logic clk,
    input logic ce,
    input logic [A_WIDTH-1:0] a,
    input logic [B_WIDTH-1:0] b,
    output logic [Q_WIDTH-1:0] q
);
  localparam int W = B_WIDTH + 1;
  localparam int R = (A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH) + 2;
  wire a_negative = A_SIGNED & a[A_WIDTH-1];
  wire b_negative = B_SIGNED & b[B_WIDTH-1];
  wire [B_WIDTH-1:0] b_magnitude = b_negative ? -b : b;
  generate
    for (genvar s = 0; s <= A_WIDTH; s++) begin : stage
      /* verilator lint_off UNUSEDSIGNAL */  // The last stage hands little on.
      logic [A_WIDTH-1:0] left;  // of the dividend
      logic [A_WIDTH-1:0] bits;  // of the quotient so far
      logic [W-1:0] rest;
      logic [W-1:0] divisor;
      logic flips, negative;
      /* verilator lint_on UNUSEDSIGNAL */
      if (s == 0) begin : first
        always_ff @(posedge clk)
          if (ce) begin
            left <= a_negative ? -a : a;
            bits <= '0;
            rest <= '0;
            divisor <= W'(b_magnitude);
            flips <= a_negative ^ b_negative;
            negative <= a_negative;
          end
      end else begin : next
        wire [W-1:0] shifted = {stage[s-1].rest[W-2:0], stage[s-1].left[A_WIDTH-1]};
        wire fits = shifted >= stage[s-1].divisor;
        always_ff @(posedge clk)
          if (ce) begin
            left <= stage[s-1].left << 1;
            bits <= (stage[s-1].bits << 1) | A_WIDTH'(fits);
            rest <= fits ? shifted - stage[s-1].divisor : shifted;
            divisor <= stage[s-1].divisor;
            flips <= stage[s-1].flips;
            negative <= stage[s-1].negative;
          end
      end
    end
  endgenerate
  wire [R-1:0] magnitude = REMAINDER ? R'(stage[A_WIDTH].rest) : R'(stage[A_WIDTH].bits);
  wire is_negative = REMAINDER ? stage[A_WIDTH].negative : stage[A_WIDTH].flips;
  always_ff @(posedge clk) if (ce) q <= Q_WIDTH'(is_negative ? -magnitude : magnitude);
endmodule
