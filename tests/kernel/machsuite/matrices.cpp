// Products with dense and sparse matrices.
#include "kernel/builder.h"
#include "kernel/machsuite/machsuite.h"

#include <algorithm>

namespace heddle::kernel {
namespace {

// gemm/ncubed: the three loops of a matrix product, on matrices laid out by hand in one dimension

KernelPtr gemm_ncubed_kernel() {
  KernelBuilder k("gemm_ncubed", "prod = m1 m2");
  const Expr n = k.size("n");
  ArrayHandle m1 = k.input("m1", float32_type(), {n * n});
  ArrayHandle m2 = k.input("m2", float32_type(), {n * n});
  ArrayHandle prod = k.output("prod", float32_type(), {n * n});

  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, n, [&](Expr j) {
      Element sum = k.scalar("sum", float32_type());
      sum = 0.0;
      k.loop("k", 0, n, [&](Expr r) { sum += m1(i * n + r) * m2(r * n + j); });
      prod(i * n + j) = sum;
    });
  });
  return k.build();
}

void gemm_ncubed_plain(Operands& x) {
  const int n = x.size("n");
  const auto m1 = x.grid<float>("m1");
  const auto m2 = x.grid<float>("m2");
  const auto prod = x.grid<float>("prod");

  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int r = 0; r < n; ++r) sum += m1(i * n + r) * m2(r * n + j);
      prod(i * n + j) = sum;
    }
  }
}

// gemm/blocked: the same in tiles of `block` columns and rows of m2, added to prod

KernelPtr gemm_blocked_kernel(int n, int block) {
  KernelBuilder k("gemm_blocked", "prod += m1 m2, tile by tile of m2");
  ArrayHandle m1 = k.input("m1", float32_type(), {n, n});
  ArrayHandle m2 = k.input("m2", float32_type(), {n, n});
  ArrayHandle prod = k.inout("prod", float32_type(), {n, n});

  k.loop("jj", 0, n / block, [&](Expr jj) {
    k.loop("kk", 0, n / block, [&](Expr kk) {
      k.loop("i", 0, n, [&](Expr i) {
        k.loop("k", 0, block, [&](Expr r) {
          Element temp = k.scalar("temp", float32_type());
          temp = m1(i, kk * block + r);
          k.loop("j", 0, block, [&](Expr j) {
            prod(i, jj * block + j) += temp * m2(kk * block + r, jj * block + j);
          });
        });
      });
    });
  });
  return k.build();
}

void gemm_blocked_plain(Operands& x, int block) {
  const auto m1 = x.grid<float>("m1");
  const auto m2 = x.grid<float>("m2");
  const auto prod = x.grid<float>("prod");
  const int n = m1.extent(0);

  for (int jj = 0; jj < n; jj += block) {
    for (int kk = 0; kk < n; kk += block) {
      for (int i = 0; i < n; ++i) {
        for (int r = 0; r < block; ++r) {
          const float temp = m1(i, kk + r);
          for (int j = 0; j < block; ++j) prod(i, jj + j) += temp * m2(kk + r, jj + j);
        }
      }
    }
  }
}

// spmv/crs: row i of a sparse matrix is val[row_start[i] .. row_start[i + 1]], in columns cols[...]

KernelPtr spmv_crs_kernel() {
  KernelBuilder k("spmv_crs", "a sparse matrix, as compressed rows, times a vector");
  const Expr n = k.size("n");
  const Expr nonzeros = k.size("nonzeros");
  ArrayHandle val = k.input("val", float32_type(), {nonzeros});
  ArrayHandle cols = k.input("cols", int_type(32), {nonzeros});
  ArrayHandle row_start = k.input("row_start", int_type(32), {n + 1});
  ArrayHandle vec = k.input("vec", float32_type(), {n});
  ArrayHandle out = k.output("out", float32_type(), {n});

  k.loop("i", 0, n, [&](Expr i) {
    Element sum = k.scalar("sum", float32_type());
    sum = 0.0;
    k.loop("j", row_start(i), row_start(i + 1), [&](Expr j) { sum = sum + val(j) * vec(cols(j)); });
    out(i) = sum;
  });
  return k.build();
}

void spmv_crs_plain(Operands& x) {
  const auto val = x.grid<float>("val");
  const auto cols = x.grid<std::int32_t>("cols");
  const auto row_start = x.grid<std::int32_t>("row_start");
  const auto vec = x.grid<float>("vec");
  const auto out = x.grid<float>("out");

  for (int i = 0; i < x.size("n"); ++i) {
    float sum = 0;
    for (int j = row_start(i); j < row_start(i + 1); ++j) sum = sum + val(j) * vec(cols(j));
    out(i) = sum;
  }
}

/// Rows of 0, 1, 2, ... 2 * mean, 0, 1, ... non-zeros; `nonzeros` of them in all.
void sparse_rows(Operands& x, int mean) {
  const auto row_start = x.grid<std::int32_t>("row_start");
  const int n = row_start.extent(0) - 1;
  row_start(0) = 0;
  for (int i = 0; i < n; ++i) {
    const int length = i % (2 * mean + 1);
    row_start(i + 1) =
        i + 1 == n ? x.size("nonzeros") : std::min(row_start(i) + length, x.size("nonzeros"));
  }
  randomise(x.buffer("cols"), 0, n - 1, 11);
}

// spmv/ellpack: every row has the same number of entries

KernelPtr spmv_ellpack_kernel(int n, int width) {
  KernelBuilder k("spmv_ellpack",
                  "a sparse matrix, with equally many entries a row, times a vector");
  ArrayHandle nzval = k.input("nzval", float32_type(), {n * width});
  ArrayHandle cols = k.input("cols", int_type(32), {n * width});
  ArrayHandle vec = k.input("vec", float32_type(), {n});
  ArrayHandle out = k.inout("out", float32_type(), {n});

  k.loop("i", 0, n, [&](Expr i) {
    Element sum = k.scalar("sum", float32_type());
    sum = out(i);
    k.loop("j", 0, width, [&](Expr j) { sum += nzval(i * width + j) * vec(cols(i * width + j)); });
    out(i) = sum;
  });
  return k.build();
}

void spmv_ellpack_plain(Operands& x, int width) {
  const auto nzval = x.grid<float>("nzval");
  const auto cols = x.grid<std::int32_t>("cols");
  const auto vec = x.grid<float>("vec");
  const auto out = x.grid<float>("out");

  for (int i = 0; i < vec.extent(0); ++i) {
    float sum = out(i);
    for (int j = 0; j < width; ++j) sum += nzval(i * width + j) * vec(cols(i * width + j));
    out(i) = sum;
  }
}

}  // namespace

std::vector<Workload> machsuite_matrices(Size size) {
  const int n = scaled(size, 16);
  const int block = 8;
  const int rows = scaled(size, 37);
  const int width = 5;
  return {
      make_workload("gemm/ncubed", gemm_ncubed_kernel(), {{"n", n}}, gemm_ncubed_plain),
      make_workload("gemm/blocked", gemm_blocked_kernel(n, block), {},
                    [](Operands& x) { gemm_blocked_plain(x, block); }),
      make_workload("spmv/crs", spmv_crs_kernel(), {{"n", rows}, {"nonzeros", rows * width}},
                    spmv_crs_plain, [](Operands& x) { sparse_rows(x, width); }),
      make_workload(
          "spmv/ellpack", spmv_ellpack_kernel(rows, width), {},
          [](Operands& x) { spmv_ellpack_plain(x, width); },
          [rows](Operands& x) { randomise(x.buffer("cols"), 0, rows - 1, 11); }),
  };
}

}  // namespace heddle::kernel
