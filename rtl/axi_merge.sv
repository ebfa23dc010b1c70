// Merges accesses of single words into commands of the AXI engines, of one burst each.
//
// Accesses are numbers of words of WORD_WIDTH bits behind `base`, a byte address that is a multiple of the bus.
// Neighbours become one command until the next access is no neighbour, the burst ends (at multiples of 4 KB or of 256
// beats of DATA_WIDTH bits), no access came for QUIET cycles, or the command's first access is AGE cycles old. While
// two commands wait for out_ready, the third goes on growing.
// Rate: an access a cycle. Latency: a command is out two cycles after what ends it. cmd_ready depends on registers.
module axi_merge #(
    parameter int WORD_WIDTH = 32,
    parameter int DATA_WIDTH = 32,
    parameter int AGE = 16,
    parameter int QUIET = 4
) (
    input logic clk, input logic rst, input logic [63:0] base,
    input logic cmd_valid, output logic cmd_ready, input logic [63:0] cmd_index,
    output logic out_valid, input logic out_ready, output logic [63:0] out_addr, output logic [31:0] out_words
);
  localparam int SHIFT = $clog2(WORD_WIDTH / 8);
  localparam int BLOCK_BITS = DATA_WIDTH < 128 ? 8 + $clog2(DATA_WIDTH / 8) : 12;
  localparam int COUNT_WIDTH = BLOCK_BITS - SHIFT + 1;
  localparam logic [63:0] WORD_BYTES = 64'(32'(WORD_WIDTH / 8));
  localparam int AGE_WIDTH = $clog2(AGE + 1);
  localparam int QUIET_WIDTH = $clog2(QUIET + 1);

  logic room, step, grows, due, close;

  logic staged;
  logic [63:0] addr;
  assign step = staged && (room || grows);
  assign cmd_ready = !staged || step;
  always_ff @(posedge clk) begin
    if (rst) staged <= 0;
    else if (cmd_ready) staged <= cmd_valid;
    if (cmd_ready) addr <= base + (cmd_index << SHIFT);
  end

  // The command under way: a neighbour comes at `next`.
  logic open;
  logic [63:0] first, next;
  logic [COUNT_WIDTH-1:0] words;
  logic [AGE_WIDTH-1:0] age;
  logic [QUIET_WIDTH-1:0] quiet;
  assign due = age == AGE_WIDTH'(AGE) || quiet == QUIET_WIDTH'(QUIET);
  assign grows = open && !(due && room) && addr == next && next[BLOCK_BITS-1:0] != 0;
  assign close = open && room && (due || (staged && !grows));
  always_ff @(posedge clk) begin
    if (rst) open <= 0;
    else if (step) open <= 1;
    else if (close) open <= 0;
    if (step) begin
      next <= addr + WORD_BYTES;
      if (!grows) first <= addr;
      words <= grows ? words + 1'b1 : COUNT_WIDTH'(1);
    end
    if (step && !grows) age <= 1;
    else if (age != AGE_WIDTH'(AGE)) age <= age + 1'b1;
    if (step) quiet <= 0;
    else if (quiet != QUIET_WIDTH'(QUIET)) quiet <= quiet + 1'b1;
  end

  /* verilator lint_off UNUSEDSIGNAL */
  logic [1:0] count;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [COUNT_WIDTH-1:0] out_count;
  fifo #(.WIDTH(64 + COUNT_WIDTH), .DEPTH(2)) commands (
      .clk, .rst, .in_valid(close), .in_ready(room), .in_data({first, words}), .out_valid, .out_ready,
      .out_data({out_addr, out_count}), .count
  );
  assign out_words = 32'(out_count);
endmodule
