#include "kernel/schedule/nests.h"

#include <map>

#include "base/error.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

const std::map<std::string, std::string>& texts() {
  static const std::map<std::string, std::string> table = {
      {"gemm", R"(
kernel gemm(a: in int<8>[16, 24], b: in int<8>[24, 8], c: inout int<32>[16, 8]) {
  for i in 0..16 { for j in 0..8 { for k in 0..24 { c[i, j] += a[i, k] * b[k, j] } } }
})"},
      {"gemm_large", R"(
kernel gemm(a: in int<8>[64, 96], b: in int<8>[96, 32], c: inout int<32>[64, 32]) {
  for i in 0..64 { for j in 0..32 { for k in 0..96 { c[i, j] += a[i, k] * b[k, j] } } }
})"},
      {"gemm_float", R"(
kernel gemm(a: in float32[6, 10], b: in float32[10, 5], c: inout float32[6, 5]) {
  for i in 0..6 { for j in 0..5 { for k in 0..10 { c[i, j] += a[i, k] * b[k, j] } } }
})"},
      {"gemm_saturating", R"(
kernel gemm(a: in int<8>[6, 10], b: in int<8>[10, 5], c: inout int<8,saturate>[6, 5]) {
  for i in 0..6 { for j in 0..5 { for k in 0..10 { c[i, j] += a[i, k] * b[k, j] } } }
})"},
      {"gemm_sum", R"(
kernel gemm(a: in int<8>[6, 10], b: in int<8>[10, 5], c: out int<32>[6, 5]) {
  for i in 0..6 { for j in 0..5 {
    var sum: int<32>
    sum = 0
    for k in 0..10 { sum += a[i, k] * b[k, j] }
    c[i, j] = sum
  } }
})"},
      {"shared_sum", R"(
kernel gemm(a: in int<8>[6, 10], b: in int<8>[10, 5], c: out int<32>[6, 5]) {
  var sum: int<32>
  for i in 0..6 { for j in 0..5 {
    sum = 0
    for k in 0..10 { sum += a[i, k] * b[k, j] }
    c[i, j] = sum
  } }
})"},
      {"skewed", R"(
kernel skewed(a: inout int<32>[20, 20]) {
  for i in 1..20 { for j in 0..19 { a[i, j] = a[i - 1, j + 1] } }
})"},
      {"wave", R"(
kernel wave(a: inout int<32,wrap>[20, 20]) {
  for i in 1..20 { for j in 1..20 { a[i, j] = a[i - 1, j] + a[i, j - 1] } }
})"},
      {"deep_skew", R"(
kernel deep(a: inout int<32,wrap>[9, 9, 9]) {
  for i in 1..9 { for j in 1..8 { for k in 0..8 { a[i, j, k] = a[i - 1, j - 1, k + 1] } } }
})"},
      {"reversal", R"(
kernel reversal(a: inout int<32>[16]) { for i in 0..16 { a[i] = a[15 - i] } })"},
      {"mirror", R"(
kernel mirror(a: inout int<32>[16]) { for i in 0..8 { a[i] = a[15 - i] } })"},
      {"copy", R"(
kernel copy(x: in int<32>[100], y: out int<32>[100]) { for i in 0..100 { y[i] = x[i] } })"},
      {"copy_n", R"(
kernel copy(n: index, x: in int<32>[n], y: out int<32>[n]) { for i in 3..n { y[i] = x[i] } })"},
      {"copy_nm", R"(
kernel copy(n: index, m: index, x: in int<32>[n, m], y: out int<32>[n, m]) {
  for i in 0..n { for j in 0..m { y[i, j] = x[i, j] } }
})"},
      {"shift_up", R"(
kernel shift(a: inout int<32>[100]) { for i in 0..99 { a[i] = a[i + 1] } })"},
      {"shift_16", R"(
kernel shift(a: inout int<32>[100]) { for i in 0..84 { a[i + 16] = a[i] } })"},
      {"ring", R"(
kernel ring(x: in int<32>[64], a: inout int<32>[8], y: out int<32>[64]) {
  for i in 0..64 { a[i % 8] = x[i]
    y[i] = a[(i + 4) % 8] }
})"},
      {"pairs", R"(
kernel pairs(a: inout int<32>[128]) { for i in 0..64 { a[2 * i] = a[2 * i + 1] } })"},
      {"triangle", R"(
kernel triangle(a: inout int<32>[20, 20]) {
  for i in 0..20 { for j in i..20 { a[i, j] = 1 } }
})"},
      {"transpose_lower", R"(
kernel lower(a: inout int<32>[20, 20]) {
  for i in 0..20 { for j in 0..i { a[i, j] = a[j, i] } }
})"},
      {"transpose_all", R"(
kernel all(a: inout int<32>[20, 20]) {
  for i in 0..20 { for j in 0..20 { a[i, j] = a[j, i] } }
})"},
      {"histogram", R"(
kernel histogram(x: in uint<8>[40, 30], h: inout int<32>[256]) {
  for i in 0..40 { for j in 0..30 { h[index(x[i, j])] += 1 } }
})"},
      {"scatter", R"(
kernel scatter(p: in int<32>[40, 30], y: inout int<32>[256]) {
  for i in 0..40 { for j in 0..30 { y[index(p[i, j])] = p[i, j] } }
})"},
      {"gather", R"(
kernel gather(p: in uint<8>[40, 30], x: in int<32>[256], y: out int<32>[40, 30]) {
  for i in 0..40 { for j in 0..30 { y[i, j] = x[index(p[i, j])] } }
})"},
      {"csr", R"(
kernel csr(start: in uint<8>[65], x: in int<32>[1000], y: inout int<32,wrap>[64]) {
  for i in 0..64 { for j in index(start[i])..index(start[i + 1]) { y[i] += x[j] } }
})"},
      {"own_bound", R"(
kernel own_bound(n: inout int<32>[4], y: inout int<32>[64]) {
  for i in 0..index(n[0]) { n[0] = 3
    y[i] = 1 }
})"},
      {"maximum", R"(
kernel maximum(x: in float32[8, 9], m: inout float32[8], t: inout int<16>[8], y: in int<16>[8, 9]) {
  for i in 0..8 { for j in 0..9 { t[i] max= y[i, j] } }
  for p in 0..8 { for q in 0..9 { m[p] max= x[p, q] } }
})"},
      {"mixed_ops", R"(
kernel mixed(x: in int<8>[8], s: inout int<32,wrap>[1]) {
  for i in 0..8 { for j in 0..8 { s[0] += x[i]
    s[0] *= x[j] } }
})"},
      {"two_parts", R"(
kernel parts(x: in int<32>[50], y: inout int<32>[51], z: out int<32>[50]) {
  for i in 0..50 {
    y[i] = x[i]
    for j in 0..1 { z[i] = y[i] }
  }
})"},
      {"flows_back", R"(
kernel back(x: in int<32>[50], y: inout int<32>[51], z: out int<32>[50]) {
  for i in 0..50 {
    z[i] = y[i]
    y[i + 1] = x[i]
  }
})"},
      {"local_flow", R"(
kernel flow(x: in int<32>[50], z: out int<32>[50], w: out int<32>[50]) {
  for i in 0..50 {
    var t: int<32>
    t = x[i]
    w[i] = x[i]
    z[i] = t
  }
})"},
      {"blur", R"(
kernel blur(x: in int<16>[34, 32], y: out int<20>[32, 32]) {
  var rows: int<18>[34, 32]
  for r in 0..34 { for s in 0..32 { rows[r, s] = x[r, s] } }
  for i in 0..32 { for j in 0..32 { y[i, j] = int<20>(rows[i, j] + rows[i + 1, j] + rows[i + 2, j]) } }
})"},
      {"scale_add", R"(
kernel scale(x: in int<16>[32, 30], y: out int<20>[32, 30]) {
  var t: int<18>[32, 30]
  for r in 0..32 { for s in 0..30 { t[r, s] = int<18>(x[r, s] * 3) } }
  for i in 0..32 { for j in 0..30 { y[i, j] = t[i, j] + 1 } }
})"},
      {"shifted_use", R"(
kernel use(x: in int<16>[32], y: out int<20>[32]) {
  var t: int<18>[34]
  for r in 1..33 { t[r] = x[r - 1] }
  for i in 0..32 { y[i] = t[i + 1] }
})"},
      {"late_use", R"(
kernel use(x: in int<16>[32], y: out int<20>[32]) {
  var t: int<18>[33]
  t[32] = 0
  for r in 0..32 { t[r] = x[r] }
  for i in 0..32 { y[i] = t[i + 1] }
})"},
      {"between", R"(
kernel between(x: in int<16>[32], y: out int<20>[32], z: out int<18>[1]) {
  var t: int<18>[32]
  for r in 0..32 { t[r] = x[r] }
  z[0] = t[31]
  for i in 0..32 { y[i] = t[i] }
})"},
      {"streams", R"(
kernel streams(x: in int<16>[8, 8], y: out int<16>[8, 8]) {
  stream s: int<16> depth(64)
  for i in 0..8 { for j in 0..8 { put s, x[i, j] } }
  for p in 0..8 { for q in 0..8 { get s, y[p, q] } }
})"},
      {"calls", R"(
kernel row(x: in int<16>[16], y: out int<16>[16]) { for t in 0..16 { y[t] = x[t] } }
kernel add(x: in int<16>[16], s: inout int<32,wrap>[1]) { for t in 0..16 { s[0] += x[t] } }
kernel calls(x: in int<16>[32, 16], y: out int<16>[32, 16], s: inout int<32,wrap>[4, 1]) {
  for i in 0..32 { call row(x[i, 0 :], y[i, 0 :]) }
  for p in 0..31 { call row(x[p, 0 :], y[p, 0 :])
    y[p, 3] = y[p + 1, 4] }
  for u in 0..4 { for v in 0..32 { call add(x[v, 0 :], s[u, 0 :]) } }
})"},
      {"flat_calls", R"(
kernel row(x: in int<16>[16], y: out int<16>[16]) { for t in 0..16 { y[t] = x[t] } }
kernel calls(x: in int<16>[512], y: out int<16>[512], z: inout int<16>[512]) {
  for i in 0..32 { call row(x[i * 16 :], y[i * 16 :]) }
  for j in 0..32 { call row(x[j * 15 :], z[j * 15 :]) }
}
)"},
      {"row_uses", R"(
kernel uses(x: in int<16>[32, 30], y: out int<20>[32, 30], z: out int<18>[32]) {
  var t: int<18>[32, 30]
  for r in 0..32 { for s in 0..30 { t[r, s] = x[r, s] } }
  for i in 0..32 {
    z[i] = t[i, 0]
    for j in 0..30 { y[i, j] = t[i, j] + 1 }
  }
}
)"},
      {"row_uses_after", R"(
kernel uses(x: in int<16>[32, 30], y: out int<20>[32, 30], z: out int<18>[32]) {
  var t: int<18>[32, 30]
  for r in 0..32 { for s in 0..30 { t[r, s] = x[r, s] } }
  for i in 0..32 {
    for j in 0..30 { y[i, j] = t[i, j] + 1 }
    z[i] = t[i, 29]
  }
}
)"},
      {"wedge", R"(
kernel wedge(a: inout int<32>[20, 20, 20]) {
  for i in 0..20 { for j in i..20 { for k in 0..20 { a[i, j, k] = 1 } } }
})"},
      {"guarded", R"(
kernel guarded(x: in int<32>[20, 20], y: inout int<32>[20, 20]) {
  for i in 0..20 { if i < 15 { for j in 0..20 { y[i, j] = x[i, j] } } }
})"},
      {"even_odd", R"(
kernel even_odd(a: inout int<32>[40]) {
  for i in 0..39 { if i % 2 == 0 { a[i] = a[i + 1] } }
})"},
      {"clipped", R"(
kernel clipped(n: index, a: inout int<32>[64]) {
  for i in 0..32 { for j in max(0, n - 3)..min(n, 32) { a[j] = a[j + 32] } }
})"},
  };
  return table;
}

}  // namespace

KernelPtr nest(const std::string& name) {
  return parse_kernel(texts().at(name), name);
}

Schedule scheduled(const std::string& name, const std::string& steps) {
  return replay(nest(name), steps, "steps");
}

std::string refusal(const std::string& name, const std::string& steps) {
  try {
    scheduled(name, steps);
  } catch (const UserError& error) {
    return std::string(error.what()) + "\n" + error.remedy();
  }
  return "";
}

}  // namespace heddle::kernel
