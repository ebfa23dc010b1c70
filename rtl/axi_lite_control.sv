// The control registers of a kernel on AXI4-Lite, laid out as Vitis does for ap_ctrl_hs (UG1399, "S_AXILITE").
//
// 0x00 control: bit 0 start (stays until ready), 1 done (cleared by reading), 2 idle, 3 ready (cleared by reading),
// 7 auto-restart, 9 interrupt. 0x04 bit 0 global interrupt enable. 0x08 interrupt enable, 0x0c interrupt status
// (written ones toggle): bit 0 done, 1 ready. From 0x10 the arguments in order: up to 32 bits take 8 bytes of address
// space, up to 64 bits take 12; what is above a value is reserved and reads as 0.
// WIDTHS: a byte for each of ARGS arguments, its width in bits (1 to 64), argument 0 in the low byte. args: the
// arguments side by side, argument 0 lowest, TOTAL bits (the sum of WIDTHS).
// ap_start, ap_done, ap_ready, ap_idle: to the kernel, as in ap_ctrl_hs; done and ready are one-cycle pulses.
// A transfer takes two cycles; writes wait for address and data in any order.
module axi_lite_control #(
    parameter int ARGS = 1,
    parameter logic [8*ARGS-1:0] WIDTHS = 8'd64,
    parameter int TOTAL = 64,
    parameter int ADDR_WIDTH = 12
) (
    input logic clk, input logic rst,
    input logic s_axi_awvalid, output logic s_axi_awready, input logic [ADDR_WIDTH-1:0] s_axi_awaddr,
    input logic s_axi_wvalid, output logic s_axi_wready, input logic [31:0] s_axi_wdata, input logic [3:0] s_axi_wstrb,
    output logic s_axi_bvalid, input logic s_axi_bready, output logic [1:0] s_axi_bresp,
    input logic s_axi_arvalid, output logic s_axi_arready, input logic [ADDR_WIDTH-1:0] s_axi_araddr,
    output logic s_axi_rvalid, input logic s_axi_rready, output logic [31:0] s_axi_rdata,
        output logic [1:0] s_axi_rresp,
    output logic ap_start, input logic ap_done, input logic ap_idle, input logic ap_ready,
    /* verilator lint_off SYMRSVDWORD */  // The name Vitis gives it.
    output logic interrupt,
    /* verilator lint_on SYMRSVDWORD */
    output logic [TOTAL-1:0] args
);
  // Of argument n: the 32-bit word of address space and the bit of args where it starts.
  function integer word_of(input integer n);
    word_of = 4;
    for (int i = 0; i < n; i++) word_of = word_of + (WIDTHS[8*i+:8] > 32 ? 3 : 2);
  endfunction
  function integer bit_of(input integer n);
    bit_of = 0;
    for (int i = 0; i < n; i++) bit_of = bit_of + 32'(WIDTHS[8*i+:8]);
  endfunction
  localparam int WORDS = word_of(ARGS);

  logic write, read;
  logic [ADDR_WIDTH-3:0] write_word, read_word;
  logic [31:0] mask;
  assign write = s_axi_awvalid && s_axi_wvalid && !s_axi_bvalid;
  assign read = s_axi_arvalid && !s_axi_rvalid;
  assign s_axi_awready = write;
  assign s_axi_wready = write;
  assign s_axi_arready = read;
  assign {s_axi_bresp, s_axi_rresp} = 0;
  assign write_word = s_axi_awaddr[ADDR_WIDTH-1:2];
  assign read_word = s_axi_araddr[ADDR_WIDTH-1:2];
  assign mask = {{8{s_axi_wstrb[3]}}, {8{s_axi_wstrb[2]}}, {8{s_axi_wstrb[1]}}, {8{s_axi_wstrb[0]}}};
  /* verilator lint_off UNUSEDSIGNAL */
  logic [3:0] byte_offsets;  // Registers are whole words.
  /* verilator lint_on UNUSEDSIGNAL */
  assign byte_offsets = {s_axi_awaddr[1:0], s_axi_araddr[1:0]};

  logic write_control, write_status, read_control, done, ready, auto_restart, enabled;
  logic [1:0] enable, status;
  assign write_control = write && write_word == 0 && s_axi_wstrb[0];
  assign write_status = write && write_word == 3 && s_axi_wstrb[0];
  assign read_control = read && read_word == 0;
  assign interrupt = enabled && status != 0;
  always_ff @(posedge clk) begin
    s_axi_bvalid <= !rst && (write || (s_axi_bvalid && !s_axi_bready));
    s_axi_rvalid <= !rst && (read || (s_axi_rvalid && !s_axi_rready));
    if (rst) {ap_start, done, ready, auto_restart, enabled, enable, status} <= 0;
    else begin
      if (write_control && s_axi_wdata[0]) ap_start <= 1;
      else if (ap_ready) ap_start <= auto_restart;
      if (write_control) auto_restart <= s_axi_wdata[7];
      if (ap_done) done <= 1;
      else if (read_control) done <= 0;
      if (ap_ready) ready <= 1;
      else if (read_control) ready <= 0;
      if (write && write_word == 1 && s_axi_wstrb[0]) enabled <= s_axi_wdata[0];
      if (write && write_word == 2 && s_axi_wstrb[0]) enable <= s_axi_wdata[1:0];
      status <= (status ^ (write_status ? s_axi_wdata[1:0] : 2'd0)) | ({ap_ready, ap_done} & enable);
    end
  end

  // The arguments, and the address space from 0x10 as it reads.
  logic [32*WORDS-1:0] space;
  assign space[127:0] = {30'd0, status, 30'd0, enable, 31'd0, enabled,
                         22'd0, interrupt, 1'b0, auto_restart, 3'd0, ready, ap_idle, done, ap_start};
  for (genvar n = 0; n < ARGS; n++) begin : argument
    localparam int ARG_WIDTH = 32'(WIDTHS[8*n+:8]);
    localparam int WORD = word_of(n), SLOT = word_of(n + 1) - WORD;
    logic [ARG_WIDTH-1:0] value;
    always_ff @(posedge clk) begin
      for (int i = 0; i < ARG_WIDTH; i++) begin
        if (rst) value[i] <= 0;
        else if (write && 32'(write_word) == WORD + i / 32 && mask[i%32]) value[i] <= s_axi_wdata[i%32];
      end
    end
    assign args[bit_of(n)+:ARG_WIDTH] = value;
    assign space[32*WORD+:32*SLOT] = (32 * SLOT)'(value);
  end
  always_ff @(posedge clk) if (read) s_axi_rdata <= 32'(read_word) < WORDS ? space[32*32'(read_word)+:32] : 32'd0;
endmodule
