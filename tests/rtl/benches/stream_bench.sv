// Queues of many depths, and the skid buffer, each with a stream of its own: bit i and word i belong to queue i.
module stream_bench (
    input logic clk,
    input logic rst,
    input logic [8:0] in_valid,
    output logic [8:0] in_ready,
    input logic [16*9-1:0] in_data,
    output logic [8:0] out_valid,
    input logic [8:0] out_ready,
    output logic [16*9-1:0] out_data,
    output logic [16*8-1:0] count
);
  for (genvar i = 0; i < 8; i++) begin : queues
    localparam int DEPTH = i == 0 || i == 4 ? 1 : i == 1 || i == 5 ? 2 : i == 2 || i == 6 ? 7 : 33;
    logic [$clog2(DEPTH + 1)-1:0] level;
    assign count[16*i+:16] = 16'(level);
    if (i < 4) begin : luts
      fifo #(.WIDTH(16), .DEPTH(DEPTH)) queue (
          .clk, .rst, .in_valid(in_valid[i]), .in_ready(in_ready[i]), .in_data(in_data[16*i+:16]),
          .out_valid(out_valid[i]), .out_ready(out_ready[i]), .out_data(out_data[16*i+:16]), .count(level)
      );
    end else begin : blocks
      fifo #(.WIDTH(16), .DEPTH(DEPTH), .STYLE("block")) queue (
          .clk, .rst, .in_valid(in_valid[i]), .in_ready(in_ready[i]), .in_data(in_data[16*i+:16]),
          .out_valid(out_valid[i]), .out_ready(out_ready[i]), .out_data(out_data[16*i+:16]), .count(level)
      );
    end
  end
  skid_buffer #(.WIDTH(16)) skid (
      .clk, .rst, .in_valid(in_valid[8]), .in_ready(in_ready[8]), .in_data(in_data[143:128]),
      .out_valid(out_valid[8]), .out_ready(out_ready[8]), .out_data(out_data[143:128])
  );
endmodule
