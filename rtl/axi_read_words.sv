// Reads an array over AXI4 by the numbers of its words, for hardware that asks for one word at a time.
//
// Words are WORD_WIDTH bits, WORD_WIDTH <= DATA_WIDTH, from the byte address `base` on, a multiple of the bus.
// axi_merge says which accesses share a burst. Data comes in the order of the accesses; DEPTH words are kept that
// nobody has taken yet. No ready depends on its valid.
module axi_read_words #(
    parameter int WORD_WIDTH = 32,
    parameter int DATA_WIDTH = 32,
    parameter int AGE = 16,
    parameter int QUIET = 4,
    parameter int DEPTH = 16,
    parameter int OUTSTANDING = 16
) (
    input logic clk, input logic rst, input logic [63:0] base,
    input logic read_valid, output logic read_ready, input logic [63:0] read_index,
    output logic data_valid, input logic data_ready, output logic [WORD_WIDTH-1:0] data,
    output logic m_axi_arvalid, input logic m_axi_arready, output logic [63:0] m_axi_araddr,
        output logic [7:0] m_axi_arlen, output logic [2:0] m_axi_arsize, output logic [1:0] m_axi_arburst,
    input logic m_axi_rvalid, output logic m_axi_rready, input logic [DATA_WIDTH-1:0] m_axi_rdata,
        input logic [1:0] m_axi_rresp, input logic m_axi_rlast
);
  logic cmd_valid, cmd_ready, word_valid, word_ready;
  logic [63:0] cmd_addr;
  logic [31:0] cmd_words;
  logic [WORD_WIDTH-1:0] word;
  /* verilator lint_off UNUSEDSIGNAL */  // ap_ctrl_hs has no word for a failed access.
  logic idle, error;
  logic [$clog2(DEPTH+1)-1:0] count;
  /* verilator lint_on UNUSEDSIGNAL */
  axi_merge #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .AGE(AGE), .QUIET(QUIET)) merge (
      .clk, .rst, .base, .cmd_valid(read_valid), .cmd_ready(read_ready), .cmd_index(read_index),
      .out_valid(cmd_valid), .out_ready(cmd_ready), .out_addr(cmd_addr), .out_words(cmd_words)
  );
  axi_read #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .OUTSTANDING(OUTSTANDING)) engine (
      .clk, .rst, .cmd_valid, .cmd_ready, .cmd_addr, .cmd_words, .out_valid(word_valid), .out_ready(word_ready),
      .out_data(word), .idle, .error, .m_axi_arvalid, .m_axi_arready, .m_axi_araddr, .m_axi_arlen, .m_axi_arsize,
      .m_axi_arburst, .m_axi_rvalid, .m_axi_rready, .m_axi_rdata, .m_axi_rresp, .m_axi_rlast
  );
  fifo #(.WIDTH(WORD_WIDTH), .DEPTH(DEPTH)) queue (
      .clk, .rst, .in_valid(word_valid), .in_ready(word_ready), .in_data(word), .out_valid(data_valid),
      .out_ready(data_ready), .out_data(data), .count
  );
endmodule
