#include "kernel/mutation/designs.h"

#include "kernel/library/library.h"
#include "kernel/schedule/schedule.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// Triangles, tables, a tile on chip, a recurrence, statements that data decide about.
const char* const kNests =
    R"(kernel nests(a: in int<8>[6, 7], s: in uint<3>[6], b: inout int<32,wrap>[6, 7]) {
  table weights: int<8>[7] = {1, -2, 3, -4, 5, -6, 127}
  var tile: int<8>[6, 7] @bram
  for i in 0..6 { for j in 0..7 { tile[i, j] = a[i, j] } }
  for r in 1..6 {
    for c in 1..r { b[r, c] += b[r - 1, c] + tile[5 - r, c] * weights[c] }
  }
  for t in 0..6 {
    for u in 0..4 {
      if s[t] > 2 { b[t, u] = b[t, u] * 3 } else { b[t, u + 3] = b[t, u] / (int<8>(s[t]) + 1) - b[t, u] % 5 }
    }
  }
})";

/// Lanes, banks, words of several elements, reductions over lanes under conditions.
const char* const kLanes =
    R"(kernel lanes(a: in int<8>[4, 8] lanes(8), b: inout int<16,wrap>[4, 8] lanes(4), c: out int<8>[4, 3]) {
  var kept: int<8>[4, 8] @bram partition(none, complete)
  var total: int<20,wrap>[8] @register
  for z in 0..8 unroll { total[z] = z * 3 }
  for i in 0..4 {
    var least: int<8>
    var most: int<8>
    var count: int<8,wrap>
    least = 127
    most = -128
    count = 0
    for l in 0..8 unroll {
      var twice: int<9>
      twice = a[i, l] * 2
      kept[i, l] = a[3 - i, 7 - l]
      total[l] += twice * l
      least min= a[i, l]
      if a[i, l] > 3 {
        most max= a[i, l]
        count += 1
      }
    }
    c[i, 0] = least
    c[i, 1] = most
    c[i, 2] = count
  }
  for r in 0..4 {
    for h in 0..2 {
      for m in 0..4 unroll {
        if (m + r) % 3 != 0 { b[r, h * 4 + m] = kept[3 - r, (m * 3 + 1) % 8] + total[h * 4 + m] }
      }
    }
  }
})";

/// Queues of several channels, puts under conditions, processes that wait for each other.
const char* const kProcesses =
    R"(kernel processes(x: in int<8>[32], y: out int<32>[32], z: out int<32>[11]) {
  stream s: int<9>[4] depth(2)
  stream t: int<9> depth(3)
  dataflow {
    process first {
      for i in 0..32 {
        put s[i % 4], x[i] + 1
        if i % 3 == 0 { put t, x[i] }
      }
    }
    process second {
      for j in 0..8 {
        for l in 0..4 unroll {
          var one: int<9>
          get s[l], one
          y[j * 4 + l] = one * one
        }
      }
    }
    process third {
      var sum: int<32,wrap>
      sum = 0
      for k in 0..11 {
        var two: int<9>
        get t, two
        sum += two
        z[k] = sum
      }
    }
  }
})";

const char* const kFloats =
    R"(kernel floats(x: in float32[16], f: in fixed<12,5>[16], y: out float32[16],
    z: out bfloat16[16], v: out fixed<20,11,nearest_even,saturate>[16], w: out float32[16]) {
  for i in 0..16 {
    y[i] = (x[i] + 40.0) * abs(x[i]) - floor(x[i])
    z[i] = bfloat16(x[i] / float32(f[i]))
    w[i] = max(min(x[i], 1.5), -1.5)
    v[i] = fixed<20,11,nearest_even,saturate>(max(min(x[i], 1.5), -1.5) + float32(i))
  }
})";

/// Processes around an array of packed products, as in examples/arrays.
KernelPtr packed_array() {
  const char* const text =
      R"(kernel packed(x: in int<8>[4, 8] lanes(4), weight: in int<8>[4, 8] lanes(4), y: out int<32>[4, 4] lanes(4)) {
  stream xs: int<8>[4] depth(4)
  stream ys: int<32>[4] depth(8)
  dataflow {
    process read {
      for r in 0..4 { for k in 0..2 pipeline(1) { for d in 0..4 unroll { put xs[d], x[r, k * 4 + d] } } }
    }
    process multiply {
      var tile: int<8>[4, 8] @lutram partition(complete, cyclic(4))
      var sum: int<32>[2, 2] @register
      for r1 in 0..4 { for k1 in 0..2 pipeline(1) { for d1 in 0..4 unroll { get xs[d1], tile[r1, k1 * 4 + d1] } } }
      for c in 0..4 {
        for k2 in 0..2 pipeline(1) {
          var word: int<8>[4] @register
          for d2 in 0..4 unroll { word[d2] = weight[c, k2 * 4 + d2] }
          if k2 == 0 { for i in 0..2 unroll { for p in 0..2 unroll { sum[i, p] = 0 } } }
          for i1 in 0..2 unroll {
            for p1 in 0..2 { for d3 in 0..4 { sum[i1, p1] += word[d3] * tile[i1 * 2 + p1, k2 * 4 + d3] } }
          }
          if k2 == 1 { for i2 in 0..2 unroll { for p2 in 0..2 unroll { put ys[i2 * 2 + p2], sum[i2, p2] } } }
        }
      }
    }
    process write {
      for c1 in 0..4 pipeline(1) {
        var row: int<32>[4] @register
        for i3 in 0..4 unroll { get ys[i3], row[i3] }
        for i4 in 0..4 unroll { y[c1, i4] = row[i4] }
      }
    }
  }
})";
  return replay(parse_kernel(text, "packed"), "replace p1 packed_dot_4", "packed", instructions())
      .kernel();
}

KernelPtr library_kernel(const std::string& name, const std::map<std::string, std::string>& given) {
  const LibraryKernel& entry = find_library_kernel(name);
  return entry.make(LibraryArguments(name, entry.parameters, given));
}

}  // namespace

std::vector<KernelPtr> mutation_designs() {
  return {
      parse_kernel(kNests, "nests"),
      parse_kernel(kLanes, "lanes"),
      parse_kernel(kProcesses, "processes"),
      parse_kernel(kFloats, "floats"),
      packed_array(),
      library_kernel("gemm", {{"rows", "3"}, {"columns", "5"}, {"inner", "4"}, {"type", "int8"}}),
      library_kernel("quantise_exact", {{"rows", "3"}, {"columns", "5"}})};
}

}  // namespace heddle::kernel
