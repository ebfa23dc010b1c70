// Shifts a number left until its top bit is set, and says how far: combinational. Zero stays zero.
module normalise #(
    parameter int WIDTH = 24
) (
    input logic [WIDTH-1:0] in,
    output logic [WIDTH-1:0] out, output logic [$clog2(WIDTH)-1:0] shift
);
  always_comb begin
    out = in;
    shift = 0;
    for (int s = $clog2(WIDTH) - 1; s >= 0; s--) begin
      if (out >> (WIDTH - (1 << s)) == 0) begin
        out = out << (1 << s);
        shift[s] = 1;
      end
    end
  end
endmodule
