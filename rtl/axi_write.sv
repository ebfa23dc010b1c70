// Writes memory over AXI4: a stream of commands and a stream of words in.
//
// Commands, widths and bursts are those of axi_read; strobes leave bytes that no word covers, and those whose bit of
// in_strb is 0, as they are. A word is taken with the last beat it makes or, when several share a beat, as they come:
// the last of them with the beat. While in_valid waits for in_ready, in_data and in_strb must stay. Data may go out
// before its address does.
// Rate: the slower of one word and one beat a cycle. Latency: the address leaves the cycle after the command, and a
// beat can do so too.
// idle: nothing under way, every write's response is in. error: some response was not OKAY; it stays up until rst.
module axi_write #(
    parameter int WORD_WIDTH = 32,
    parameter int DATA_WIDTH = 512,
    parameter int OUTSTANDING = 16
) (
    input logic clk, input logic rst,
    input logic cmd_valid, output logic cmd_ready, input logic [63:0] cmd_addr, input logic [31:0] cmd_words,
    input logic in_valid, output logic in_ready, input logic [WORD_WIDTH-1:0] in_data,
        input logic [WORD_WIDTH/8-1:0] in_strb,
    output logic idle, output logic error,
    output logic m_axi_awvalid, input logic m_axi_awready, output logic [63:0] m_axi_awaddr,
        output logic [7:0] m_axi_awlen, output logic [2:0] m_axi_awsize, output logic [1:0] m_axi_awburst,
    output logic m_axi_wvalid, input logic m_axi_wready, output logic [DATA_WIDTH-1:0] m_axi_wdata,
        output logic [DATA_WIDTH/8-1:0] m_axi_wstrb, output logic m_axi_wlast,
    input logic m_axi_bvalid, output logic m_axi_bready, input logic [1:0] m_axi_bresp
);
  localparam int BUS_BYTES = DATA_WIDTH / 8;
  localparam int MAX_BEATS = BUS_BYTES < 16 ? 256 : 4096 / BUS_BYTES;
  localparam int RATIO = DATA_WIDTH > WORD_WIDTH ? DATA_WIDTH / WORD_WIDTH : 1;
  localparam int BEATS = WORD_WIDTH > DATA_WIDTH ? WORD_WIDTH / DATA_WIDTH : 1;
  localparam int LANE_WIDTH = RATIO > 1 ? $clog2(RATIO) : 1;
  assign m_axi_awsize = 3'($clog2(BUS_BYTES));
  assign m_axi_awburst = 2'b01;
  assign m_axi_bready = 1'b1;
  always_ff @(posedge clk) if (rst) error <= 0; else if (m_axi_bvalid && m_axi_bresp != 0) error <= 1;

  logic data_valid, data_ready;
  logic [31:0] data_words;
  /* verilator lint_off UNUSEDSIGNAL */  // Wide words have no lanes.
  logic [LANE_WIDTH-1:0] data_lane;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [7:0] data_beat;
  axi_bursts #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .OUTSTANDING(OUTSTANDING)) bursts (
      .clk, .rst, .cmd_valid, .cmd_ready, .cmd_addr, .cmd_words, .axi_valid(m_axi_awvalid), .axi_ready(m_axi_awready),
      .axi_addr(m_axi_awaddr), .axi_len(m_axi_awlen), .done(m_axi_bvalid), .data_valid, .data_ready,
      .data_lane, .data_beat, .data_words, .idle
  );

  // Where the command at the head of the queue stands, in words and in beats.
  logic word, last_word, words_started, beat, last_beat, beats_started;
  logic [31:0] left, left_next;
  logic [7:0] place, place_next;
  assign word = in_valid && in_ready;
  assign left = words_started ? left_next : data_words;
  assign last_word = left == 1;
  assign data_ready = word && last_word;
  assign beat = m_axi_wvalid && m_axi_wready;
  assign place = beats_started ? place_next : data_beat;
  assign m_axi_wlast = last_beat || place == 8'(MAX_BEATS - 1);
  always_ff @(posedge clk) begin
    if (rst) words_started <= 0;
    else if (word) words_started <= !last_word;
    if (word) left_next <= left - 1;
    if (rst) beats_started <= 0;
    else if (beat) beats_started <= !last_beat;
    if (beat) place_next <= place == 8'(MAX_BEATS - 1) ? 8'd0 : place + 1'b1;
  end

  if (BEATS == 1) begin : narrow
    logic [LANE_WIDTH-1:0] lane, lane_next;
    logic full;  // This word is the last of its beat.
    assign lane = words_started ? lane_next : data_lane;
    assign full = last_word || lane == LANE_WIDTH'(RATIO - 1);
    assign last_beat = last_word;
    assign m_axi_wvalid = in_valid && data_valid && full;
    assign in_ready = data_valid && (!full || m_axi_wready);
    always_ff @(posedge clk) if (word) lane_next <= lane == LANE_WIDTH'(RATIO - 1) ? '0 : lane + 1'b1;

    // Each lane keeps its word, or passes it on when it is the one that fills the beat.
    for (genvar i = 0; i < RATIO; i++) begin : lanes
      logic here;
      logic [WORD_WIDTH-1:0] kept;
      logic [WORD_WIDTH/8-1:0] held;
      assign here = RATIO == 1 || lane == LANE_WIDTH'(i);
      assign m_axi_wdata[i*WORD_WIDTH+:WORD_WIDTH] = here ? in_data : kept;
      assign m_axi_wstrb[i*(WORD_WIDTH/8)+:WORD_WIDTH/8] = here ? in_strb : held;
      always_ff @(posedge clk) begin
        if (word && here) kept <= in_data;
        if (rst || beat) held <= 0;
        else if (word && here) held <= in_strb;
      end
    end
  end else begin : wide
    localparam int PART_WIDTH = $clog2(BEATS);
    logic [PART_WIDTH-1:0] part;
    logic complete;
    assign complete = part == PART_WIDTH'(BEATS - 1);
    assign last_beat = last_word && complete;
    assign m_axi_wvalid = in_valid && data_valid;
    assign in_ready = data_valid && m_axi_wready && complete;
    assign m_axi_wdata = in_data[32'(part)*DATA_WIDTH+:DATA_WIDTH];
    assign m_axi_wstrb = in_strb[32'(part)*(DATA_WIDTH/8)+:DATA_WIDTH/8];
    always_ff @(posedge clk) if (rst) part <= 0; else if (beat) part <= part + 1'b1;
  end
endmodule
