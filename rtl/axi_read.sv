// Reads memory over AXI4: a stream of commands in, a stream of words out, in order.
//
// A command is a byte address (a multiple of the word) and a number of words (0 is allowed and does nothing).
// WORD_WIDTH 8 to 1024 and DATA_WIDTH 32 to 1024 are powers of two. Words come in bursts up to 4 KB or 256 beats that
// never cross 4 KB, at most OUTSTANDING of them under way; beats' bytes that nobody asked for are dropped.
// A one-word command is one burst of one beat, and a command a cycle is taken: random single words are pipelined too.
// Rate: the slower of one word and one beat a cycle. Latency: the address leaves the cycle after the command; a word
// is on show in the cycle of its (last) beat. rready waits for out_ready: no data is kept here but parts of a word.
// idle: nothing under way. error: some response was not OKAY; it stays up until rst.
module axi_read #(
    parameter int WORD_WIDTH = 32,
    parameter int DATA_WIDTH = 512,
    parameter int OUTSTANDING = 16
) (
    input logic clk, input logic rst,
    input logic cmd_valid, output logic cmd_ready, input logic [63:0] cmd_addr, input logic [31:0] cmd_words,
    output logic out_valid, input logic out_ready, output logic [WORD_WIDTH-1:0] out_data,
    output logic idle, output logic error,
    output logic m_axi_arvalid, input logic m_axi_arready, output logic [63:0] m_axi_araddr,
        output logic [7:0] m_axi_arlen, output logic [2:0] m_axi_arsize, output logic [1:0] m_axi_arburst,
    input logic m_axi_rvalid, output logic m_axi_rready, input logic [DATA_WIDTH-1:0] m_axi_rdata,
        input logic [1:0] m_axi_rresp, input logic m_axi_rlast
);
  localparam int RATIO = DATA_WIDTH > WORD_WIDTH ? DATA_WIDTH / WORD_WIDTH : 1;
  localparam int BEATS = WORD_WIDTH > DATA_WIDTH ? WORD_WIDTH / DATA_WIDTH : 1;
  localparam int LANE_WIDTH = RATIO > 1 ? $clog2(RATIO) : 1;
  assign m_axi_arsize = 3'($clog2(DATA_WIDTH / 8));
  assign m_axi_arburst = 2'b01;

  logic beat;
  assign beat = m_axi_rvalid && m_axi_rready;
  always_ff @(posedge clk) if (rst) error <= 0; else if (beat && m_axi_rresp != 0) error <= 1;

  logic data_valid, data_ready;
  logic [31:0] data_words;
  /* verilator lint_off UNUSEDSIGNAL */  // The bursts' ends are marked by rlast; wide words have no lanes.
  logic [LANE_WIDTH-1:0] data_lane;
  logic [7:0] data_beat;
  /* verilator lint_on UNUSEDSIGNAL */
  axi_bursts #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .OUTSTANDING(OUTSTANDING)) bursts (
      .clk, .rst, .cmd_valid, .cmd_ready, .cmd_addr, .cmd_words, .axi_valid(m_axi_arvalid), .axi_ready(m_axi_arready),
      .axi_addr(m_axi_araddr), .axi_len(m_axi_arlen), .done(beat && m_axi_rlast), .data_valid, .data_ready,
      .data_lane, .data_beat, .data_words, .idle
  );

  // Where the command at the head of the queue stands.
  logic word, last_word, started;
  logic [31:0] left, left_next;
  assign word = out_valid && out_ready;
  assign left = started ? left_next : data_words;
  assign last_word = left == 1;
  assign data_ready = word && last_word;
  always_ff @(posedge clk) begin
    if (rst) started <= 0;
    else if (word) started <= !last_word;
    if (word) left_next <= left - 1;
  end

  if (BEATS == 1) begin : narrow
    logic [LANE_WIDTH-1:0] lane, lane_next;
    assign lane = started ? lane_next : data_lane;
    always_ff @(posedge clk) if (word) lane_next <= lane == LANE_WIDTH'(RATIO - 1) ? '0 : lane + 1'b1;
    if (RATIO == 1) begin : whole
      assign out_data = m_axi_rdata;
    end else begin : part
      assign out_data = m_axi_rdata[32'(lane)*WORD_WIDTH+:WORD_WIDTH];
    end
    assign out_valid = m_axi_rvalid && data_valid;
    assign m_axi_rready = word && (last_word || lane == LANE_WIDTH'(RATIO - 1));
  end else begin : wide
    localparam int PART_WIDTH = $clog2(BEATS);
    logic [PART_WIDTH-1:0] part;
    logic [WORD_WIDTH-DATA_WIDTH-1:0] earlier;  // The beats of this word so far, the latest at the top.
    logic complete;
    assign complete = part == PART_WIDTH'(BEATS - 1);
    assign out_data = {m_axi_rdata, earlier};
    assign out_valid = m_axi_rvalid && data_valid && complete;
    assign m_axi_rready = !complete || word;
    always_ff @(posedge clk) begin
      if (rst) part <= 0;
      else if (beat) part <= part + 1'b1;
      if (beat) earlier <= (WORD_WIDTH - DATA_WIDTH)'({m_axi_rdata, earlier} >> DATA_WIDTH);
    end
  end
endmodule
