// Delays a vector by a fixed number of cycles, in shift-register LUTs where there are several.
//
// LATENCY (0 or more) cycles in which ce is high.
module delay_line #(
    parameter int WIDTH = 8,
    parameter int LATENCY = 1
) (
    /* verilator lint_off UNUSEDSIGNAL */  // Without a delay there is nothing to clock.
    input logic clk, input logic ce,
    /* verilator lint_on UNUSEDSIGNAL */
    input logic [WIDTH-1:0] in, output logic [WIDTH-1:0] out
);
  if (LATENCY == 0) begin : pass
    assign out = in;
`ifdef YOSYS
  end else if (LATENCY >= 16 && WIDTH > 1) begin : lane
    // Yosys would carry each bit of each stage through all of its passes: so it maps one bit, once.
    for (genvar b = 0; b < WIDTH; b++) begin : of_bit
      (* keep_hierarchy *)
      delay_line #(.WIDTH(1), .LATENCY(LATENCY)) line (.clk, .ce, .in(in[b]), .out(out[b]));
    end
`endif
  end else begin : shift
    logic [LATENCY*WIDTH-1:0] stages;  // The newest in the low bits.
    always_ff @(posedge clk) if (ce) stages <= (LATENCY * WIDTH)'({stages, in});
    assign out = stages[(LATENCY-1)*WIDTH+:WIDTH];
  end
endmodule
