// Writes an array over AXI4 by the numbers of its words, for hardware that hands over one word at a time.
//
// Words are WORD_WIDTH bits, WORD_WIDTH <= DATA_WIDTH, from the byte address `base` on, a multiple of the bus, and are
// LANES elements: write_enable says which of them are written. axi_merge says which accesses share a burst; DEPTH
// words wait for their burst. `written` is high for one cycle per word whose burst's response has come, at most one
// a cycle. No ready depends on its valid.
module axi_write_words #(
    parameter int WORD_WIDTH = 32,
    parameter int LANES = 1,
    parameter int DATA_WIDTH = 32,
    parameter int AGE = 16,
    parameter int QUIET = 4,
    parameter int DEPTH = 32,
    parameter int OUTSTANDING = 16
) (
    input logic clk, input logic rst, input logic [63:0] base,
    input logic write_valid, output logic write_ready, input logic [63:0] write_index,
        input logic [WORD_WIDTH-1:0] write_value, input logic [LANES-1:0] write_enable,
    output logic written,
    output logic m_axi_awvalid, input logic m_axi_awready, output logic [63:0] m_axi_awaddr,
        output logic [7:0] m_axi_awlen, output logic [2:0] m_axi_awsize, output logic [1:0] m_axi_awburst,
    output logic m_axi_wvalid, input logic m_axi_wready, output logic [DATA_WIDTH-1:0] m_axi_wdata,
        output logic [DATA_WIDTH/8-1:0] m_axi_wstrb, output logic m_axi_wlast,
    input logic m_axi_bvalid, output logic m_axi_bready, input logic [1:0] m_axi_bresp
);
  localparam int LANE_BYTES = WORD_WIDTH / 8 / LANES;

  // A write is a command and a word.
  logic command_ready, word_ready;
  assign write_ready = command_ready && word_ready;

  logic merged_valid, merged_ready;
  logic [63:0] merged_addr;
  logic [31:0] merged_words;
  axi_merge #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .AGE(AGE), .QUIET(QUIET)) merge (
      .clk, .rst, .base, .cmd_valid(write_valid && word_ready), .cmd_ready(command_ready), .cmd_index(write_index),
      .out_valid(merged_valid), .out_ready(merged_ready), .out_addr(merged_addr), .out_words(merged_words)
  );

  logic in_valid, in_ready;
  logic [WORD_WIDTH-1:0] in_data;
  logic [LANES-1:0] in_enable;
  logic [WORD_WIDTH/8-1:0] in_strb;
  /* verilator lint_off UNUSEDSIGNAL */
  logic [$clog2(DEPTH+1)-1:0] waiting;
  /* verilator lint_on UNUSEDSIGNAL */
  fifo #(.WIDTH(WORD_WIDTH + LANES), .DEPTH(DEPTH)) queue (
      .clk, .rst, .in_valid(write_valid && command_ready), .in_ready(word_ready), .in_data({write_value, write_enable}),
      .out_valid(in_valid), .out_ready(in_ready), .out_data({in_data, in_enable}), .count(waiting)
  );
  for (genvar i = 0; i < LANES; i++) begin : lanes
    assign in_strb[i*LANE_BYTES+:LANE_BYTES] = {LANE_BYTES{in_enable[i]}};
  end

  logic cmd_valid, cmd_ready, note_ready, note_valid, answered;
  /* verilator lint_off UNUSEDSIGNAL */  // ap_ctrl_hs has no word for a failed access.
  logic idle, error;
  /* verilator lint_on UNUSEDSIGNAL */
  assign cmd_valid = merged_valid && note_ready;
  assign merged_ready = cmd_ready && note_ready;
  axi_write #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .OUTSTANDING(OUTSTANDING)) engine (
      .clk, .rst, .cmd_valid, .cmd_ready, .cmd_addr(merged_addr), .cmd_words(merged_words), .in_valid, .in_ready,
      .in_data, .in_strb, .idle, .error, .m_axi_awvalid, .m_axi_awready, .m_axi_awaddr, .m_axi_awlen, .m_axi_awsize,
      .m_axi_awburst, .m_axi_wvalid, .m_axi_wready, .m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_bvalid,
      .m_axi_bready, .m_axi_bresp
  );

  // Commands are one burst each, so responses are in their order.
  localparam int BURST_WORDS = (DATA_WIDTH < 128 ? 256 * DATA_WIDTH : 8 * 4096) / WORD_WIDTH;
  localparam int COUNT_WIDTH = $clog2(BURST_WORDS + 1);
  localparam int OWED_WIDTH = $clog2(BURST_WORDS * (OUTSTANDING + 2) + 1);
  logic [COUNT_WIDTH-1:0] note_words;
  logic [OWED_WIDTH-1:0] owed;
  /* verilator lint_off UNUSEDSIGNAL */
  logic [$clog2(OUTSTANDING+3)-1:0] notes_kept;
  /* verilator lint_on UNUSEDSIGNAL */
  fifo #(.WIDTH(COUNT_WIDTH), .DEPTH(OUTSTANDING + 2)) notes (
      .clk, .rst, .in_valid(merged_valid && cmd_ready), .in_ready(note_ready), .in_data(COUNT_WIDTH'(merged_words)),
      .out_valid(note_valid), .out_ready(m_axi_bvalid), .out_data(note_words), .count(notes_kept)
  );
  assign answered = note_valid && m_axi_bvalid;
  assign written = owed != 0;
  always_ff @(posedge clk) begin
    if (rst) owed <= 0;
    else owed <= owed + (answered ? OWED_WIDTH'(note_words) : '0) - OWED_WIDTH'(written);
  end
endmodule
