#include "kernel/library/tiles.h"

#include "base/error.h"
#include "kernel/builder.h"

namespace heddle::kernel {
namespace {

KernelPtr with_intrinsic(const KernelPtr& meaning, Intrinsic intrinsic) {
  Kernel kernel = *meaning;
  kernel.intrinsic = std::move(intrinsic);
  return std::make_shared<const Kernel>(std::move(kernel));
}

// Vector extensions and builtins rather than <immintrin.h>, which takes 0.3 s to compile.

// vpdpbusd multiplies unsigned by signed bytes: w + 128 is unsigned, and 128 times the sum of x's
// row is taken off again. The sums wrap, so the detour is exact modulo 2^32.
constexpr const char* kDotTileNative = R"(
#if defined(__AVX512VNNI__)
  typedef int Lanes __attribute__((vector_size(64), aligned(1), may_alias));
  typedef unsigned Bits __attribute__((vector_size(64), aligned(1), may_alias));
#if defined(__clang__)
#define HEDDLE_DOT(sum, u8, s8) __builtin_ia32_vpdpbusd512(sum, u8, s8)
#else
#define HEDDLE_DOT(sum, u8, s8) __builtin_ia32_vpdpbusd_v16si(sum, u8, s8)
#endif
  constexpr int kRows = @ROWS@, kVectors = @COLUMNS@ / 16;
  const Bits flip = Bits{} + 0x80808080u;
  Lanes sum[kRows][kVectors];
#pragma GCC unroll 64
  for (int r = 0; r < kRows; ++r) {
    const std::int8_t* row = x + r * x_stride0;
    Lanes part = {};
    std::int64_t i = 0;
    for (; i + 64 <= 4 * n; i += 64) part = HEDDLE_DOT(part, (Lanes)flip, *(const Lanes*)(row + i));
    int whole = 0;
    for (int l = 0; l < 16; ++l) whole += part[l];
    for (; i < 4 * n; ++i) whole += 128 * row[i];
#pragma GCC unroll 64
    for (int v = 0; v < kVectors; ++v) sum[r][v] = *(const Lanes*)(y + r * y_stride0 + 16 * v) - whole;
  }
  for (std::int64_t k = 0; k < n; ++k) {
    Lanes weights[kVectors];
#pragma GCC unroll 64
    for (int v = 0; v < kVectors; ++v) {
      weights[v] = (Lanes)(*(const Bits*)(w + k * w_stride0 + 64 * v) ^ flip);
    }
#pragma GCC unroll 64
    for (int r = 0; r < kRows; ++r) {
      int four;
      __builtin_memcpy(&four, x + r * x_stride0 + 4 * k, 4);
      const Lanes repeated = Lanes{} + four;
#pragma GCC unroll 64
      for (int v = 0; v < kVectors; ++v) sum[r][v] = HEDDLE_DOT(sum[r][v], weights[v], repeated);
    }
  }
#pragma GCC unroll 64
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 64
    for (int v = 0; v < kVectors; ++v) *(Lanes*)(y + r * y_stride0 + 16 * v) = sum[r][v];
  }
#undef HEDDLE_DOT
#else
  // Eight columns at a time; pairs of products meet in one 32-bit lane, two lanes to a sum.
  typedef signed char Bytes __attribute__((vector_size(16), aligned(1), may_alias));
  typedef short Halves __attribute__((vector_size(32)));
  typedef int Words __attribute__((vector_size(32)));
  for (int r = 0; r < @ROWS@; ++r) {
    for (int c = 0; c < @COLUMNS@; c += 8) {
      Words low = {}, high = {};
      for (std::int64_t k = 0; k < n; ++k) {
        const std::int8_t* q = x + r * x_stride0 + 4 * k;
        const Halves four = {q[0], q[1], q[2], q[3], q[0], q[1], q[2], q[3],
                             q[0], q[1], q[2], q[3], q[0], q[1], q[2], q[3]};
        const std::int8_t* weights = w + k * w_stride0 + 4 * c;
        low += (Words)__builtin_ia32_pmaddwd256(__builtin_convertvector(*(const Bytes*)weights, Halves), four);
        high += (Words)__builtin_ia32_pmaddwd256(__builtin_convertvector(*(const Bytes*)(weights + 16), Halves), four);
      }
      for (int l = 0; l < 4; ++l) {
        y[r * y_stride0 + c + l] += low[2 * l] + low[2 * l + 1];
        y[r * y_stride0 + c + 4 + l] += high[2 * l] + high[2 * l + 1];
      }
    }
  }
#endif
)";

constexpr const char* kMacTileNative = R"(
#if defined(__AVX512F__)
  constexpr int kLanes = 16;
#else
  constexpr int kLanes = 8;
#endif
  typedef float Lanes __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
  constexpr int kRows = @ROWS@, kVectors = @COLUMNS@ / kLanes;
  Lanes sum[kRows][kVectors];
#pragma GCC unroll 64
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 64
    for (int v = 0; v < kVectors; ++v) sum[r][v] = *(const Lanes*)(y + r * y_stride0 + kLanes * v);
  }
  for (std::int64_t k = 0; k < n; ++k) {
    Lanes weights[kVectors];
#pragma GCC unroll 64
    for (int v = 0; v < kVectors; ++v) weights[v] = *(const Lanes*)(w + k * w_stride0 + kLanes * v);
#pragma GCC unroll 64
    for (int r = 0; r < kRows; ++r) {
      const Lanes repeated = Lanes{} + x[r * x_stride0 + k];
#pragma GCC unroll 64
      for (int v = 0; v < kVectors; ++v) {
        const Lanes product = repeated * weights[v];
        sum[r][v] = sum[r][v] + product;
      }
    }
  }
#pragma GCC unroll 64
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 64
    for (int v = 0; v < kVectors; ++v) *(Lanes*)(y + r * y_stride0 + kLanes * v) = sum[r][v];
  }
)";

std::string filled(std::string text, std::int64_t rows, std::int64_t columns) {
  const auto fill = [&](const std::string& mark, std::int64_t value) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
      text.replace(at, mark.size(), std::to_string(value));
    }
  };
  fill("@ROWS@", rows);
  fill("@COLUMNS@", columns);
  return text.substr(1);  // without the newline that opens the literal
}

}  // namespace

KernelPtr dot_tile_s8(std::int64_t rows, std::int64_t columns) {
  ensure(rows > 0 && columns > 0 && columns % 16 == 0, "no dot tile of {} x {}", rows, columns);
  KernelBuilder k(fmt::format("dot_tile_s8_{}x{}", rows, columns),
                  "y += x w, int8 products in int32, four to a lane");
  const Expr n = k.size("n");
  const ArrayHandle x = k.input("x", int_type(8), {rows, n * 4});
  const ArrayHandle w = k.input("w", int_type(8), {n, columns, 4});
  const ArrayHandle y = k.inout("y", int_type(32), {rows, columns});
  k.loop("k", 0, n, [&](const Expr& k4) {
    k.loop("r", 0, rows, [&](const Expr& r) {
      k.loop("c", 0, columns, [&](const Expr& c) {
        k.loop("q", 0, 4, [&](const Expr& q) { y(r, c) += x(r, k4 * 4 + q) * w(k4, c, q); });
      });
    });
  });
  return with_intrinsic(k.build(),
                        {{"avx2"}, filled(kDotTileNative, rows, columns), {1, 3, 1}, ""});
}

KernelPtr mac_tile_f32(std::int64_t rows, std::int64_t columns) {
  ensure(rows > 0 && columns > 0 && columns % 16 == 0, "no multiply-add tile of {} x {}", rows,
         columns);
  KernelBuilder k(fmt::format("mac_tile_f32_{}x{}", rows, columns),
                  "y += x w in float32, in order");
  const Expr n = k.size("n");
  const ArrayHandle x = k.input("x", float32_type(), {rows, n});
  const ArrayHandle w = k.input("w", float32_type(), {n, columns});
  const ArrayHandle y = k.inout("y", float32_type(), {rows, columns});
  k.loop("k", 0, n, [&](const Expr& i) {
    k.loop("r", 0, rows, [&](const Expr& r) {
      k.loop("c", 0, columns, [&](const Expr& c) { y(r, c) += x(r, i) * w(i, c); });
    });
  });
  return with_intrinsic(k.build(), {{"avx"}, filled(kMacTileNative, rows, columns), {1, 1, 1}, ""});
}

KernelPtr packed_dot(std::int64_t depth, bool by_columns) {
  ensure(depth > 0, "no dot product of {} terms", depth);
  KernelBuilder k(fmt::format("packed_dot{}_{}", by_columns ? "_columns" : "", depth),
                  "y += w x, two int8 products to a DSP");
  const ArrayHandle x = k.input("x", int_type(8), {depth});
  const ArrayHandle w =
      by_columns ? k.input("w", int_type(8), {depth, 2}) : k.input("w", int_type(8), {2, depth});
  const ArrayHandle y = k.inout("y", int_type(32), {2});
  k.loop("p", 0, 2, [&](const Expr& p) {
    k.loop("k", 0, depth, [&](const Expr& i) { y(p) += x(i) * (by_columns ? w(i, p) : w(p, i)); });
  });
  return with_intrinsic(k.build(), {{}, "", {}, "packed_dot"});
}

}  // namespace heddle::kernel
