// Rounds a binary32 number to bfloat16: to nearest, ties to even; a NaN stays one, made quiet.
//
// Latency: 1 cycle in which ce is high. (The other way costs nothing: append 16 zero bits.)
module fp32_to_bf16 (
    input logic clk, input logic ce,
    input logic [31:0] in, output logic [15:0] out
);
  logic up, is_nan;
  assign is_nan = in[30:23] == 8'hff && in[22:0] != 0;
  assign up = in[15] && (in[16] || in[14:0] != 0);
  always_ff @(posedge clk) begin
    if (ce) out <= is_nan ? {in[31:23], 1'b1, in[21:16]} : in[31:16] + {15'd0, up};
  end
endmodule
