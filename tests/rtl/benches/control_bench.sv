// The control slave with arguments of 64, 8, 32, 33 and 1 bits.
module control_bench (
    input logic clk,
    input logic rst,
    input logic s_axi_awvalid,
    output logic s_axi_awready,
    input logic [11:0] s_axi_awaddr,
    input logic s_axi_wvalid,
    output logic s_axi_wready,
    input logic [31:0] s_axi_wdata,
    input logic [3:0] s_axi_wstrb,
    output logic s_axi_bvalid,
    input logic s_axi_bready,
    output logic [1:0] s_axi_bresp,
    input logic s_axi_arvalid,
    output logic s_axi_arready,
    input logic [11:0] s_axi_araddr,
    output logic s_axi_rvalid,
    input logic s_axi_rready,
    output logic [31:0] s_axi_rdata,
    output logic [1:0] s_axi_rresp,
    output logic ap_start,
    input logic ap_done,
    input logic ap_idle,
    input logic ap_ready,
    output logic irq,
    output logic [63:0] arg64,
    output logic [7:0] arg8,
    output logic [31:0] arg32,
    output logic [32:0] arg33,
    output logic arg1
);
  axi_lite_control #(.ARGS(5), .WIDTHS({8'd1, 8'd33, 8'd32, 8'd8, 8'd64}), .TOTAL(138)) control (
      .clk, .rst, .s_axi_awvalid, .s_axi_awready, .s_axi_awaddr, .s_axi_wvalid, .s_axi_wready, .s_axi_wdata,
      .s_axi_wstrb, .s_axi_bvalid, .s_axi_bready, .s_axi_bresp, .s_axi_arvalid, .s_axi_arready, .s_axi_araddr,
      .s_axi_rvalid, .s_axi_rready, .s_axi_rdata, .s_axi_rresp, .ap_start, .ap_done, .ap_idle, .ap_ready, .interrupt(irq),
      .args({arg1, arg33, arg32, arg8, arg64})
  );
endmodule
