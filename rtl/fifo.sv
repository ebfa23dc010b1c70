// A first-in first-out queue of a stream; its first word is always on show.
//
// DEPTH (1 or more) words of WIDTH bits. A word is on show the cycle after it came in. in_ready and out_valid depend
// on registers only, so a full queue takes no word in the cycle in which one leaves: one word a cycle needs
// DEPTH >= 2. count: words in the queue. STYLE: "distributed", or "block" or "ultra" for deep queues, which then
// keep their first word outside of the memory.
module fifo #(
    parameter int WIDTH = 32,
    parameter int DEPTH = 16,
    parameter STYLE = "distributed"
) (
    input logic clk, input logic rst,
    input logic in_valid, output logic in_ready, input logic [WIDTH-1:0] in_data,
    output logic out_valid, input logic out_ready, output logic [WIDTH-1:0] out_data,
    output logic [$clog2(DEPTH + 1)-1:0] count
);
  localparam int COUNT_WIDTH = $clog2(DEPTH + 1);
  localparam int ADDRESS_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam logic [ADDRESS_WIDTH-1:0] LAST = ADDRESS_WIDTH'(DEPTH - 1);

  logic push, pop;
  assign in_ready = count != COUNT_WIDTH'(DEPTH);
  assign out_valid = count != 0;
  assign push = in_valid && in_ready;
  assign pop = out_valid && out_ready;
  always_ff @(posedge clk) begin
    if (rst) count <= 0;
    else if (push && !pop) count <= count + 1'b1;
    else if (pop && !push) count <= count - 1'b1;
  end

  logic write, read;  // The memory takes a word; gives its oldest one away.
  logic [ADDRESS_WIDTH-1:0] waddr, raddr;
  always_ff @(posedge clk) begin
    if (rst) waddr <= 0;
    else if (write) waddr <= waddr == LAST ? '0 : waddr + 1'b1;
    if (rst) raddr <= 0;
    else if (read) raddr <= raddr == LAST ? '0 : raddr + 1'b1;
  end

  /* verilator lint_off WIDTH */  // Strings of different lengths.
  localparam bit IN_LUTS = STYLE == "distributed";
  /* verilator lint_on WIDTH */
  if (IN_LUTS) begin : lut_ram
    (* ram_style = "distributed" *)
    logic [WIDTH-1:0] words[0:DEPTH-1];
    assign write = push;
    assign read = pop;
    always_ff @(posedge clk) if (write) words[waddr] <= in_data;
    assign out_data = words[raddr];
  end else begin : clocked_ram
    // The first word is what the memory read last or, if it was empty, what came past it.
    logic [WIDTH-1:0] from_memory, past_memory;
    logic past;
    logic show, pass;  // The place on show is free after this cycle; a new word goes straight there.
    assign show = pop || !out_valid;
    assign pass = push && show && (count >> 1) == 0;
    assign write = push && !pass;
    assign read = show && (count >> 1) != 0;
    ram_sdp #(.WIDTH(WIDTH), .DEPTH(DEPTH), .STYLE(STYLE)) memory (
        .clk, .ce(1'b1), .we(write), .waddr, .wdata(in_data), .re(read), .raddr, .rdata(from_memory)
    );
    always_ff @(posedge clk) begin
      if (pass) past_memory <= in_data;
      if (pass || read) past <= pass;
    end
    assign out_data = past ? past_memory : from_memory;
  end
endmodule
