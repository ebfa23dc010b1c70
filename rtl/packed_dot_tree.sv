// Two int8 dot products of any depth that share an operand: packed cascades of CHAIN slices, added in a tree.
//
// As packed_dot, for any bytes; CHAIN (at most 8) bounds the depth of one cascade. p0, p1: signed, 32 bits.
// Latency: min(DEPTH, CHAIN) + 4 + clog2(ceil(DEPTH / CHAIN)) cycles in which ce is high.
module packed_dot_tree #(
    parameter int DEPTH = 64,
    parameter int CHAIN = 8
) (
    input logic clk, input logic ce,
    input logic [8*DEPTH-1:0] a, input logic [8*DEPTH-1:0] w0, input logic [8*DEPTH-1:0] w1,
    output logic [31:0] p0, output logic [31:0] p1
);
  localparam int CHAINS = (DEPTH + CHAIN - 1) / CHAIN;
  localparam int LEVELS = $clog2(CHAINS);
  localparam int LONGEST = DEPTH < CHAIN ? DEPTH : CHAIN;

  // Node 1 is the root, node n has children 2n and 2n+1, and the chains are the leaves; absent ones are zero.
  localparam int LEAVES = 1 << LEVELS;
  logic [31:0] low[0:2*LEAVES-1];
  logic [31:0] high[0:2*LEAVES-1];
  assign low[0] = 0;
  assign high[0] = 0;
  assign p0 = low[1];
  assign p1 = high[1];

  for (genvar i = 0; i < LEAVES; i++) begin : leaf
    if (i < CHAINS) begin : chain
      localparam int LENGTH = DEPTH - i * CHAIN < CHAIN ? DEPTH - i * CHAIN : CHAIN;
      logic [18:0] dot0, dot1, late0, late1;
      packed_dot #(.DEPTH(LENGTH)) dots (
          .clk, .ce, .a(a[8*CHAIN*i+:8*LENGTH]), .w0(w0[8*CHAIN*i+:8*LENGTH]), .w1(w1[8*CHAIN*i+:8*LENGTH]),
          .p0(dot0), .p1(dot1)
      );
      delay_line #(.WIDTH(38), .LATENCY(LONGEST - LENGTH)) align (
          .clk, .ce, .in({dot1, dot0}), .out({late1, late0})
      );
      assign low[LEAVES+i] = {{13{late0[18]}}, late0};
      assign high[LEAVES+i] = {{13{late1[18]}}, late1};
    end else begin : absent
      assign low[LEAVES+i] = 0;
      assign high[LEAVES+i] = 0;
    end
  end
  for (genvar n = 1; n < LEAVES; n++) begin : node
    always_ff @(posedge clk) if (ce) begin
      low[n] <= low[2*n] + low[2*n+1];
      high[n] <= high[2*n] + high[2*n+1];
    end
  end
endmodule
