// A block RAM with two ports, each of which reads and writes.
//
// DEPTH words of WIDTH bits. A port returns what was there before its own write; the two ports must not touch the
// same word in one cycle if one of them writes. rdata follows addr by LATENCY (1 or 2) cycles in which ce is high,
// and the first of these only moves when the port's en is high too, which its write also needs.
module ram_tdp #(
    parameter int WIDTH = 32,
    parameter int DEPTH = 512,
    parameter int LATENCY = 1
) (
    input logic clk, input logic ce,
    input logic a_en, input logic a_we, input logic [(DEPTH > 1 ? $clog2(DEPTH) : 1)-1:0] a_addr,
        input logic [WIDTH-1:0] a_wdata, output logic [WIDTH-1:0] a_rdata,
    input logic b_en, input logic b_we, input logic [(DEPTH > 1 ? $clog2(DEPTH) : 1)-1:0] b_addr,
        input logic [WIDTH-1:0] b_wdata, output logic [WIDTH-1:0] b_rdata
);
  (* ram_style = "block" *)
  logic [WIDTH-1:0] words[0:DEPTH-1];
  logic [WIDTH-1:0] a_read, b_read;
  always @(posedge clk) begin
    if (ce && a_en) begin
      if (a_we) words[a_addr] <= a_wdata;
      a_read <= words[a_addr];
    end
  end
  always @(posedge clk) begin
    if (ce && b_en) begin
      if (b_we) words[b_addr] <= b_wdata;
      b_read <= words[b_addr];
    end
  end
  delay_line #(.WIDTH(WIDTH), .LATENCY(LATENCY - 1)) a_register (.clk, .ce, .in(a_read), .out(a_rdata));
  delay_line #(.WIDTH(WIDTH), .LATENCY(LATENCY - 1)) b_register (.clk, .ce, .in(b_read), .out(b_rdata));
endmodule
