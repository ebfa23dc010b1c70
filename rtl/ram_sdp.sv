// A memory with one write and one read port.
//
// DEPTH words of WIDTH bits, of which each WE_WIDTH bits have a write enable (WE_WIDTH divides WIDTH).
// STYLE: "block", "ultra", "distributed" or "registers". A read returns what was there before a write of the same
// cycle. rdata follows raddr by LATENCY (1 or 2) cycles in which ce is high, and the first of these only moves when
// re is high too. Contents are undefined until written.
module ram_sdp #(
    parameter int WIDTH = 32,
    parameter int DEPTH = 512,
    /* verilator lint_off UNUSEDPARAM */  // Synthesis reads it.
    parameter STYLE = "block",
    /* verilator lint_on UNUSEDPARAM */
    parameter int LATENCY = 1,
    parameter int WE_WIDTH = WIDTH
) (
    input logic clk, input logic ce,
    input logic [WIDTH/WE_WIDTH-1:0] we, input logic [(DEPTH > 1 ? $clog2(DEPTH) : 1)-1:0] waddr,
        input logic [WIDTH-1:0] wdata,
    input logic re, input logic [(DEPTH > 1 ? $clog2(DEPTH) : 1)-1:0] raddr, output logic [WIDTH-1:0] rdata
);
  (* ram_style = STYLE *)
  logic [WIDTH-1:0] words[0:DEPTH-1];
  logic [WIDTH-1:0] read;
  always_ff @(posedge clk) if (ce) begin
    for (int lane = 0; lane < WIDTH / WE_WIDTH; lane++) begin
      if (we[lane]) words[waddr][lane*WE_WIDTH+:WE_WIDTH] <= wdata[lane*WE_WIDTH+:WE_WIDTH];
    end
    if (re) read <= words[raddr];
  end
  delay_line #(.WIDTH(WIDTH), .LATENCY(LATENCY - 1)) output_register (.clk, .ce, .in(read), .out(rdata));
endmodule
