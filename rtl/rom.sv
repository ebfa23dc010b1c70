// A table.
//
// DEPTH words of WIDTH bits, word 0 in the low bits of INIT. STYLE: "block" or "distributed". rdata follows raddr by
// LATENCY (1 or 2) cycles in which ce is high, and the first of these only moves when re is high too.
module rom #(
    parameter int WIDTH = 8,
    parameter int DEPTH = 256,
    /* verilator lint_off UNUSEDPARAM */  // Synthesis reads it.
    parameter STYLE = "block",
    /* verilator lint_on UNUSEDPARAM */
    parameter int LATENCY = 1,
    parameter logic [WIDTH*DEPTH-1:0] INIT = '0
) (
    input logic clk, input logic ce,
    input logic re, input logic [(DEPTH > 1 ? $clog2(DEPTH) : 1)-1:0] raddr, output logic [WIDTH-1:0] rdata
);
  (* rom_style = STYLE *)
  logic [WIDTH-1:0] words[0:DEPTH-1];
  logic [WIDTH-1:0] read;
  initial for (int i = 0; i < DEPTH; i++) words[i] = INIT[i*WIDTH+:WIDTH];
  always_ff @(posedge clk) if (ce && re) read <= words[raddr];
  delay_line #(.WIDTH(WIDTH), .LATENCY(LATENCY - 1)) output_register (.clk, .ce, .in(read), .out(rdata));
endmodule
