// Both engines of words; buses and words sit in the low bits of ports as wide as can be, as in axi_bench.
module words_bench #(
    parameter int WORD_WIDTH = 32,
    parameter int LANES = 1,
    parameter int DATA_WIDTH = 32
) (
    input logic clk,
    input logic rst,
    input logic [63:0] base,
    input logic read_valid,
    output logic read_ready,
    input logic [63:0] read_index,
    output logic data_valid,
    input logic data_ready,
    output logic [1023:0] data,
    input logic write_valid,
    output logic write_ready,
    input logic [63:0] write_index,
    input logic [1023:0] write_value,
    input logic [127:0] write_enable,
    output logic written,
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
  assign data = 1024'(word);
  assign m_axi_wdata = 1024'(wdata);
  assign m_axi_wstrb = 128'(wstrb);
  axi_read_words #(.WORD_WIDTH(WORD_WIDTH), .DATA_WIDTH(DATA_WIDTH)) reader (
      .clk, .rst, .base, .read_valid, .read_ready, .read_index, .data_valid, .data_ready, .data(word), .m_axi_arvalid,
      .m_axi_arready, .m_axi_araddr, .m_axi_arlen, .m_axi_arsize, .m_axi_arburst, .m_axi_rvalid, .m_axi_rready,
      .m_axi_rdata(m_axi_rdata[DATA_WIDTH-1:0]), .m_axi_rresp, .m_axi_rlast
  );
  axi_write_words #(.WORD_WIDTH(WORD_WIDTH), .LANES(LANES), .DATA_WIDTH(DATA_WIDTH)) writer (
      .clk, .rst, .base, .write_valid, .write_ready, .write_index, .write_value(write_value[WORD_WIDTH-1:0]),
      .write_enable(write_enable[LANES-1:0]), .written, .m_axi_awvalid, .m_axi_awready, .m_axi_awaddr, .m_axi_awlen,
      .m_axi_awsize, .m_axi_awburst, .m_axi_wvalid, .m_axi_wready, .m_axi_wdata(wdata), .m_axi_wstrb(wstrb),
      .m_axi_wlast, .m_axi_bvalid, .m_axi_bready, .m_axi_bresp
  );
endmodule
