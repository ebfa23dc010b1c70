// Both AXI engines; buses and words sit in the low bits of ports as wide as can be, so that one test fits all widths.
module axi_bench #(
    parameter int WORD_WIDTH = 32,
    parameter int DATA_WIDTH = 512,
    parameter int OUTSTANDING = 4
) (
    input logic clk,
    input logic rst,
    input logic read_cmd_valid,
    output logic read_cmd_ready,
    input logic [63:0] read_cmd_addr,
    input logic [31:0] read_cmd_words,
    output logic out_valid,
    input logic out_ready,
    output logic [1023:0] out_data,
    output logic read_idle,
    output logic read_error,
    input logic write_cmd_valid,
    output logic write_cmd_ready,
    input logic [63:0] write_cmd_addr,
    input logic [31:0] write_cmd_words,
    input logic in_valid,
    output logic in_ready,
    input logic [1023:0] in_data,
    input logic [127:0] in_strb,
    output logic write_idle,
    output logic write_error,
    output logic m_axi_arvalid,
    input logic m_axi_arready,
    output logic [63:0] m_axi_araddr,
    output logic [7:0] m_axi_arlen,
    output logic [2:0] m_axi_arsize,
    output logic [1:0] m_axi_arburst,
    input logic m_axi_rvalid,
    output logic m_axi_rready,
    input logic [1023:0] m_axi_rdata,
    input logic [1:0] m_axi_rresp,
    input logic m_axi_rlast,
    output logic m_axi_awvalid,
    input logic m_axi_awready,
    output logic [63:0] m_axi_awaddr,
    output logic [7:0] m_axi_awlen,
    output logic [2:0] m_axi_awsize,
    output logic [1:0] m_axi_awburst,
    output logic m_axi_wvalid,
    input logic m_axi_wready,
    output logic [1023:0] m_axi_wdata,
    output logic [127:0] m_axi_wstrb,
    output logic m_axi_wlast,
    input logic m_axi_bvalid,
    output logic m_axi_bready,
    input logic [1:0] m_axi_bresp
);
  logic [WORD_WIDTH-1:0] word;
  logic [DATA_WIDTH-1:0] wdata;
  logic [DATA_WIDTH/8-1:0] wstrb;
  assign out_data = 1024'(word);
  assign m_axi_wdata = 1024'(wdata);
  assign m_axi_wstrb = 128'(wstrb);
  axi_read #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .OUTSTANDING(OUTSTANDING)) reader (
      .clk, .rst, .cmd_valid(read_cmd_valid), .cmd_ready(read_cmd_ready), .cmd_addr(read_cmd_addr),
      .cmd_words(read_cmd_words), .out_valid, .out_ready, .out_data(word), .idle(read_idle), .error(read_error),
      .m_axi_arvalid, .m_axi_arready, .m_axi_araddr, .m_axi_arlen, .m_axi_arsize, .m_axi_arburst, .m_axi_rvalid,
      .m_axi_rready, .m_axi_rdata(m_axi_rdata[DATA_WIDTH-1:0]), .m_axi_rresp, .m_axi_rlast
  );
  axi_write #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH), .OUTSTANDING(OUTSTANDING)) writer (
      .clk, .rst, .cmd_valid(write_cmd_valid), .cmd_ready(write_cmd_ready), .cmd_addr(write_cmd_addr),
      .cmd_words(write_cmd_words), .in_valid, .in_ready, .in_data(in_data[WORD_WIDTH-1:0]), .in_strb(in_strb[WORD_WIDTH/8-1:0]),
      .idle(write_idle), .error(write_error), .m_axi_awvalid, .m_axi_awready, .m_axi_awaddr, .m_axi_awlen, .m_axi_awsize,
      .m_axi_awburst, .m_axi_wvalid, .m_axi_wready, .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast,
      .m_axi_bvalid, .m_axi_bready, .m_axi_bresp
  );
endmodule
