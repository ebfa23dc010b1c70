// Quotient and remainder of integers, toward zero, as C has them: one bit of the quotient a stage.
// LATENCY is A_WIDTH + 2 enabled cycles; a new pair may come each cycle. Division by 0 gives
// anything.
module divide #(
  parameter int A_WIDTH = 8,
  parameter bit A_SIGNED = 1,
  parameter int B_WIDTH = 8,
  parameter bit B_SIGNED = 1,
  parameter int Q_WIDTH = 8
) (
  input logic clk,
  input logic ce,
  input logic [A_WIDTH - 1:0] a,
  input logic [B_WIDTH - 1:0] b,
  output logic [Q_WIDTH - 1:0] quotient,
  output logic [Q_WIDTH - 1:0] remainder
);
  // Stage s holds the rest so far above the bits of the dividend that are still to come.
  localparam int W = B_WIDTH + 1;
  wire a_negative = A_SIGNED & a[A_WIDTH - 1];
  wire b_negative = B_SIGNED & b[B_WIDTH - 1];
  generate
    for (genvar s = 0; s <= A_WIDTH; s++) begin : g_stage
      logic [A_WIDTH - 1:0] left;
      logic [A_WIDTH - 1:0] bits;
      logic [W - 1:0] rest;
      logic [W - 1:0] divisor;
      logic flips, negative;
      if (s == 0) begin : g_first
        always_ff @(posedge clk) if (ce) begin
          left <= a_negative ? -a : a;
          bits <= '0;
          rest <= '0;
          divisor <= W'(b_negative ? -b : b);
          flips <= a_negative ^ b_negative;
          negative <= a_negative;
        end
      end else begin : g_next
        wire [W - 1:0] shifted = {g_stage[s - 1].rest[W - 2:0], g_stage[s - 1].left[A_WIDTH - 1]};
        wire fits = shifted >= g_stage[s - 1].divisor;
        always_ff @(posedge clk) if (ce) begin
          left <= g_stage[s - 1].left << 1;
          bits <= (g_stage[s - 1].bits << 1) | A_WIDTH'(fits);
          rest <= fits ? shifted - g_stage[s - 1].divisor : shifted;
          divisor <= g_stage[s - 1].divisor;
          flips <= g_stage[s - 1].flips;
          negative <= g_stage[s - 1].negative;
        end
      end
    end
  endgenerate
  localparam int R = (A_WIDTH > B_WIDTH ? A_WIDTH : B_WIDTH) + 2;
  wire [R - 1:0] q = R'(g_stage[A_WIDTH].bits);
  wire [R - 1:0] r = R'(g_stage[A_WIDTH].rest);
  always_ff @(posedge clk) if (ce) begin
    quotient <= Q_WIDTH'(g_stage[A_WIDTH].flips ? -q : q);
    remainder <= Q_WIDTH'(g_stage[A_WIDTH].negative ? -r : r);
  end
endmodule
