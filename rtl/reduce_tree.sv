// The sum, the least or the greatest of COUNT numbers, in a tree with a register behind each level.
//
// in: COUNT numbers of WIDTH bits, number 0 in the low bits, with signs if IS_SIGNED. OPERATION: 0 adds, 1 gives the
// least, 2 the greatest. out: OUT_WIDTH bits, enough for the result. Latency: clog2(COUNT) cycles in which ce is high.
module reduce_tree #(
    parameter int COUNT = 8,
    parameter int WIDTH = 16,
    parameter bit IS_SIGNED = 1,
    parameter int OPERATION = 0,
    parameter int OUT_WIDTH = 19
) (
    input logic clk, input logic ce,
    input logic [COUNT*WIDTH-1:0] in, output logic [OUT_WIDTH-1:0] out
);
  // Node 1 is the root, node n has children 2n and 2n+1; nodes COUNT ... 2 COUNT - 1 would be leaves of a tree that
  // is not full, so the leaves are those of the next full one, and a node without a second child passes on its first.
  localparam int LEVELS = $clog2(COUNT);
  localparam int LEAVES = 1 << LEVELS;
  logic [OUT_WIDTH-1:0] node[0:2*LEAVES-1];
  assign node[0] = '0;
  assign out = node[1];
  for (genvar i = 0; i < LEAVES; i++) begin : leaf
    if (i < COUNT) begin : present
      wire [WIDTH-1:0] own = in[i*WIDTH+:WIDTH];
      assign node[LEAVES+i] = IS_SIGNED ? OUT_WIDTH'($signed(own)) : OUT_WIDTH'(own);
    end else begin : absent
      assign node[LEAVES+i] = '0;
    end
  end
  for (genvar level = 0; level < LEVELS; level++) begin : row
    for (genvar i = 0; i < (1 << level); i++) begin : join_two
      localparam int N = (1 << level) + i;
      // Leaves under the second child start at that place.
      localparam bit HAS_SECOND = (2 * i + 1) * (LEAVES >> (level + 1)) < COUNT;
      wire [OUT_WIDTH-1:0] a = node[2*N];
      wire [OUT_WIDTH-1:0] b = node[2*N+1];
      wire is_less = IS_SIGNED ? $signed(a) < $signed(b) : a < b;
      always_ff @(posedge clk) begin
        if (ce) begin
          if (OPERATION == 0) node[N] <= a + b;
          else node[N] <= (is_less == (OPERATION == 1)) || !HAS_SECOND ? a : b;
        end
      end
    end
  end
endmodule
