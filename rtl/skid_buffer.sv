// Cuts the combinational path of a stream's ready signal, at full rate.
//
// out_valid, out_data and in_ready come from registers or one multiplexer behind them. A word passes through in the
// same cycle when nothing waits (latency 0); one word is kept when the consumer stalls.
module skid_buffer #(
    parameter int WIDTH = 32
) (
    input logic clk, input logic rst,
    input logic in_valid, output logic in_ready, input logic [WIDTH-1:0] in_data,
    output logic out_valid, input logic out_ready, output logic [WIDTH-1:0] out_data
);
  logic kept;
  logic [WIDTH-1:0] data;
  assign in_ready = !kept;
  assign out_valid = kept || in_valid;
  assign out_data = kept ? data : in_data;
  always_ff @(posedge clk) begin
    if (rst) kept <= 0;
    else kept <= out_valid && !out_ready;
    if (!kept) data <= in_data;
  end
endmodule
