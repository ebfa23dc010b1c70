// A RAM with one write and one read port. A read in the cycle of a write sees the element before it.
module ram_sdp #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 16,
  parameter STYLE = "block",
  parameter int LATENCY = 1
) (
  input logic clk,
  input logic ce,
  input logic we,
  input logic [(DEPTH > 1 ? $clog2(DEPTH) : 1) - 1:0] waddr,
  input logic [WIDTH - 1:0] wdata,
  input logic re,
  input logic [(DEPTH > 1 ? $clog2(DEPTH) : 1) - 1:0] raddr,
  output logic [WIDTH - 1:0] rdata
);
  (* ram_style = STYLE *) logic [WIDTH - 1:0] mem [0:DEPTH - 1];
  logic [WIDTH - 1:0] word;
  always_ff @(posedge clk) if (ce) begin
    if (we) mem[waddr] <= wdata;
    if (re) word <= mem[raddr];
  end
  generate
    if (LATENCY == 1) begin : g_direct
      assign rdata = word;
    end else begin : g_registered
      always_ff @(posedge clk) if (ce) rdata <= word;
    end
  endgenerate
endmodule
