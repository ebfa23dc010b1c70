// Cuts a command of the AXI engines into bursts: one AXI address a cycle, and a new command without a gap.
//
// A command asks for `words` (0 is no command at all) of WORD_WIDTH bits from a byte address that is a multiple of
// the word. Bursts are INCR, of whole bus beats, and end at multiples of 4 KB or of 256 beats, so none crosses 4 KB.
// At most OUTSTANDING bursts are under way; `done` says that one ended. The queue behind it gives the data side
// what it needs of each command: the word's place in its first beat (0 when a word fills the bus or more), the
// beat's place in its burst, and the words; it holds OUTSTANDING commands.
// Latency: a burst's address is out the cycle after its command; the queue shows it at the same time.
module axi_bursts #(
    parameter int WORD_WIDTH = 32,
    parameter int DATA_WIDTH = 512,
    parameter int OUTSTANDING = 16
) (
    input logic clk, input logic rst, input logic cmd_valid, output logic cmd_ready, input logic [31:0] cmd_words,
    /* verilator lint_off UNUSEDSIGNAL */  // It is aligned.
    input logic [63:0] cmd_addr,
    /* verilator lint_on UNUSEDSIGNAL */
    output logic axi_valid, input logic axi_ready, output logic [63:0] axi_addr, output logic [7:0] axi_len,
    input logic done, output logic idle,
    output logic data_valid, input logic data_ready,
    output logic [(DATA_WIDTH > WORD_WIDTH ? $clog2(DATA_WIDTH / WORD_WIDTH) : 1)-1:0] data_lane,
        output logic [7:0] data_beat, output logic [31:0] data_words
);
  localparam int BUS_BYTES = DATA_WIDTH / 8;
  localparam int BUS_SHIFT = $clog2(BUS_BYTES);
  localparam int MAX_BEATS = BUS_BYTES < 16 ? 256 : 4096 / BUS_BYTES;
  localparam int BEAT_BITS = $clog2(MAX_BEATS);
  localparam int RATIO = DATA_WIDTH > WORD_WIDTH ? DATA_WIDTH / WORD_WIDTH : 1;
  localparam int BEATS = WORD_WIDTH > DATA_WIDTH ? WORD_WIDTH / DATA_WIDTH : 1;
  localparam int RATIO_SHIFT = $clog2(RATIO);
  localparam int LANE_WIDTH = RATIO > 1 ? RATIO_SHIFT : 1;
  localparam int OUTSTANDING_WIDTH = $clog2(OUTSTANDING + 1);
  localparam int COUNT_WIDTH = 32 + $clog2(BEATS) + 1;

  // The command as it comes: its first lane, and the beats it touches.
  logic [LANE_WIDTH-1:0] lane;
  logic [COUNT_WIDTH-1:0] beats;
  if (RATIO > 1) begin : lanes
    logic [COUNT_WIDTH-1:0] last;
    assign lane = cmd_addr[BUS_SHIFT-1-:LANE_WIDTH];
    assign last = COUNT_WIDTH'(cmd_words) + COUNT_WIDTH'(lane) - 1'b1;
    assign beats = (last >> RATIO_SHIFT) + 1'b1;
  end else begin : whole
    assign lane = '0;
    assign beats = COUNT_WIDTH'(cmd_words) << $clog2(BEATS);
  end

  logic take, room_for_data, busy, issue, last_burst;
  assign cmd_ready = room_for_data && (!busy || (issue && last_burst));
  assign take = cmd_valid && cmd_ready && cmd_words != 0;

  // Bursts that remain of the command under way.
  logic [63-BUS_SHIFT:0] beat_address;
  logic [COUNT_WIDTH-1:0] remaining;
  logic [BEAT_BITS:0] to_boundary, length;
  logic [OUTSTANDING_WIDTH-1:0] outstanding;
  assign to_boundary = (BEAT_BITS + 1)'(MAX_BEATS) - {1'b0, beat_address[BEAT_BITS-1:0]};
  assign last_burst = remaining <= COUNT_WIDTH'(to_boundary);
  assign length = last_burst ? remaining[BEAT_BITS:0] : to_boundary;
  assign axi_addr = {beat_address, {BUS_SHIFT{1'b0}}};
  assign axi_len = 8'(length - 1'b1);
  assign axi_valid = busy && outstanding != OUTSTANDING_WIDTH'(OUTSTANDING);
  assign issue = axi_valid && axi_ready;
  always_ff @(posedge clk) begin
    if (rst) busy <= 0;
    else if (take) busy <= 1;
    else if (issue && last_burst) busy <= 0;
    if (take) begin
      beat_address <= cmd_addr[63:BUS_SHIFT];
      remaining <= beats;
    end else if (issue) begin
      beat_address <= beat_address + (64 - BUS_SHIFT)'(length);
      remaining <= remaining - COUNT_WIDTH'(length);
    end
  end

  always_ff @(posedge clk) begin
    if (rst) outstanding <= 0;
    else if (issue && !done) outstanding <= outstanding + 1'b1;
    else if (done && !issue) outstanding <= outstanding - 1'b1;
  end

  logic [OUTSTANDING_WIDTH-1:0] queued;
  fifo #(.WIDTH(LANE_WIDTH + 8 + 32), .DEPTH(OUTSTANDING)) commands (
      .clk, .rst, .in_valid(take), .in_ready(room_for_data),
      .in_data({lane, 8'(cmd_addr[BUS_SHIFT+BEAT_BITS-1:BUS_SHIFT]), cmd_words}),
      .out_valid(data_valid), .out_ready(data_ready), .out_data({data_lane, data_beat, data_words}), .count(queued)
  );
  assign idle = !busy && outstanding == 0 && queued == 0;
endmodule
