// The memories side by side: one address range, every style and latency.
module memory_bench (
    input logic clk,
    input logic ce,
    input logic [3:0] we,
    input logic [5:0] waddr,
    input logic [31:0] wdata,
    input logic re,
    input logic [5:0] raddr,
    output logic [31:0] block_data,
    output logic [31:0] ultra_data,
    output logic [31:0] distributed_data,
    output logic [31:0] registers_data,
    output logic [15:0] rom1_data,
    output logic [15:0] rom2_data,
    input logic a_en,
    input logic a_we,
    input logic [5:0] a_addr,
    input logic [15:0] a_wdata,
    output logic [15:0] a1_rdata,
    output logic [15:0] a2_rdata,
    input logic b_en,
    input logic b_we,
    input logic [5:0] b_addr,
    input logic [15:0] b_wdata,
    output logic [15:0] b1_rdata,
    output logic [15:0] b2_rdata
);
  ram_sdp #(.WIDTH(32), .DEPTH(50), .STYLE("block"), .LATENCY(1), .WE_WIDTH(8)) block (
      .clk, .ce, .we, .waddr, .wdata, .re, .raddr, .rdata(block_data)
  );
  ram_sdp #(.WIDTH(32), .DEPTH(50), .STYLE("ultra"), .LATENCY(2)) ultra (
      .clk, .ce, .we(we[0]), .waddr, .wdata, .re, .raddr, .rdata(ultra_data)
  );
  ram_sdp #(.WIDTH(32), .DEPTH(50), .STYLE("distributed"), .LATENCY(1)) distributed (
      .clk, .ce, .we(we[0]), .waddr, .wdata, .re, .raddr, .rdata(distributed_data)
  );
  ram_sdp #(.WIDTH(32), .DEPTH(50), .STYLE("registers"), .LATENCY(2), .WE_WIDTH(16)) registers (
      .clk, .ce, .we(we[1:0]), .waddr, .wdata, .re, .raddr, .rdata(registers_data)
  );
  localparam logic [16*50-1:0] INIT = {5{160'h0123456789abcdef_fedcba9876543210_deadbeef}};
  rom #(.WIDTH(16), .DEPTH(50), .INIT(INIT)) rom1 (.clk, .ce, .re, .raddr, .rdata(rom1_data));
  rom #(.WIDTH(16), .DEPTH(50), .INIT(INIT), .LATENCY(2), .STYLE("distributed")) rom2 (
      .clk, .ce, .re, .raddr, .rdata(rom2_data)
  );
  ram_tdp #(.WIDTH(16), .DEPTH(50), .LATENCY(1)) two_ports1 (
      .clk, .ce, .a_en, .a_we, .a_addr, .a_wdata, .a_rdata(a1_rdata), .b_en, .b_we, .b_addr, .b_wdata,
      .b_rdata(b1_rdata)
  );
  ram_tdp #(.WIDTH(16), .DEPTH(50), .LATENCY(2)) two_ports2 (
      .clk, .ce, .a_en, .a_we, .a_addr, .a_wdata, .a_rdata(a2_rdata), .b_en, .b_we, .b_addr, .b_wdata,
      .b_rdata(b2_rdata)
  );
endmodule
