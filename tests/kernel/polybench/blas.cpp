// Basic linear algebra: products with whole, symmetric and triangular matrices.
#include "kernel/builder.h"
#include "kernel/polybench/polybench.h"

namespace heddle::kernel {
namespace {

// gemm: c = alpha a b + beta c

KernelPtr gemm_kernel() {
  KernelBuilder k("gemm", "c = alpha a b + beta c");
  const Expr ni = k.size("ni");
  const Expr nj = k.size("nj");
  const Expr nk = k.size("nk");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  const Expr beta = k.scalar_argument("beta", float32_type());
  ArrayHandle c = k.inout("c", float32_type(), {ni, nj});
  ArrayHandle a = k.input("a", float32_type(), {ni, nk});
  ArrayHandle b = k.input("b", float32_type(), {nk, nj});

  k.loop("i", 0, ni, [&](Expr i) {
    k.loop("j", 0, nj, [&](Expr j) { c(i, j) *= beta; });
    k.loop("k", 0, nk, [&](Expr r) {
      k.loop("j", 0, nj, [&](Expr j) { c(i, j) += alpha * a(i, r) * b(r, j); });
    });
  });
  return k.build();
}

void gemm_plain(Operands& x) {
  const float alpha = x.real("alpha");
  const float beta = x.real("beta");
  const auto c = x.grid<float>("c");
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");

  for (int i = 0; i < x.size("ni"); ++i) {
    for (int j = 0; j < x.size("nj"); ++j) c(i, j) *= beta;
    for (int r = 0; r < x.size("nk"); ++r) {
      for (int j = 0; j < x.size("nj"); ++j) c(i, j) += alpha * a(i, r) * b(r, j);
    }
  }
}

// gemver: a = a + u1 v1' + u2 v2';  x = beta a' y + z;  w = alpha a x

KernelPtr gemver_kernel() {
  KernelBuilder k("gemver", "two rank-one updates of a matrix and two products with it");
  const Expr n = k.size("n");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  const Expr beta = k.scalar_argument("beta", float32_type());
  ArrayHandle a = k.inout("a", float32_type(), {n, n});
  ArrayHandle u1 = k.input("u1", float32_type(), {n});
  ArrayHandle v1 = k.input("v1", float32_type(), {n});
  ArrayHandle u2 = k.input("u2", float32_type(), {n});
  ArrayHandle v2 = k.input("v2", float32_type(), {n});
  ArrayHandle w = k.inout("w", float32_type(), {n});
  ArrayHandle x = k.inout("x", float32_type(), {n});
  ArrayHandle y = k.input("y", float32_type(), {n});
  ArrayHandle z = k.input("z", float32_type(), {n});

  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, n, [&](Expr j) { a(i, j) = a(i, j) + u1(i) * v1(j) + u2(i) * v2(j); });
  });
  k.loop("i", 0, n,
         [&](Expr i) { k.loop("j", 0, n, [&](Expr j) { x(i) = x(i) + beta * a(j, i) * y(j); }); });
  k.loop("i", 0, n, [&](Expr i) { x(i) = x(i) + z(i); });
  k.loop("i", 0, n,
         [&](Expr i) { k.loop("j", 0, n, [&](Expr j) { w(i) = w(i) + alpha * a(i, j) * x(j); }); });
  return k.build();
}

void gemver_plain(Operands& o) {
  const int n = o.size("n");
  const float alpha = o.real("alpha");
  const float beta = o.real("beta");
  const auto a = o.grid<float>("a");
  const auto u1 = o.grid<float>("u1");
  const auto v1 = o.grid<float>("v1");
  const auto u2 = o.grid<float>("u2");
  const auto v2 = o.grid<float>("v2");
  const auto w = o.grid<float>("w");
  const auto x = o.grid<float>("x");
  const auto y = o.grid<float>("y");
  const auto z = o.grid<float>("z");

  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) a(i, j) = a(i, j) + u1(i) * v1(j) + u2(i) * v2(j);
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) x(i) = x(i) + beta * a(j, i) * y(j);
  }
  for (int i = 0; i < n; ++i) x(i) = x(i) + z(i);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) w(i) = w(i) + alpha * a(i, j) * x(j);
  }
}

// gesummv: y = alpha a x + beta b x

KernelPtr gesummv_kernel(int n) {
  KernelBuilder k("gesummv", "y = alpha a x + beta b x");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  const Expr beta = k.scalar_argument("beta", float32_type());
  ArrayHandle a = k.input("a", float32_type(), {n, n});
  ArrayHandle b = k.input("b", float32_type(), {n, n});
  ArrayHandle x = k.input("x", float32_type(), {n});
  ArrayHandle y = k.output("y", float32_type(), {n});
  ArrayHandle tmp = k.local("tmp", float32_type(), {n});

  k.loop("i", 0, n, [&](Expr i) {
    tmp(i) = 0.0;
    y(i) = 0.0;
    k.loop("j", 0, n, [&](Expr j) {
      tmp(i) = a(i, j) * x(j) + tmp(i);
      y(i) = b(i, j) * x(j) + y(i);
    });
    y(i) = alpha * tmp(i) + beta * y(i);
  });
  return k.build();
}

void gesummv_plain(Operands& o) {
  const float alpha = o.real("alpha");
  const float beta = o.real("beta");
  const auto a = o.grid<float>("a");
  const auto b = o.grid<float>("b");
  const auto x = o.grid<float>("x");
  const auto y = o.grid<float>("y");
  const int n = x.extent(0);

  for (int i = 0; i < n; ++i) {
    float tmp = 0;
    y(i) = 0;
    for (int j = 0; j < n; ++j) {
      tmp = a(i, j) * x(j) + tmp;
      y(i) = b(i, j) * x(j) + y(i);
    }
    y(i) = alpha * tmp + beta * y(i);
  }
}

// symm: c = alpha a b + beta c, where only the lower half of the symmetric a is stored

KernelPtr symm_kernel() {
  KernelBuilder k("symm", "c = alpha a b + beta c for a symmetric a");
  const Expr m = k.size("m");
  const Expr n = k.size("n");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  const Expr beta = k.scalar_argument("beta", float32_type());
  ArrayHandle c = k.inout("c", float32_type(), {m, n});
  ArrayHandle a = k.input("a", float32_type(), {m, m});
  ArrayHandle b = k.input("b", float32_type(), {m, n});

  k.loop("i", 0, m, [&](Expr i) {
    k.loop("j", 0, n, [&](Expr j) {
      Element above = k.scalar("above", float32_type());
      above = 0.0;
      k.loop("k", 0, i, [&](Expr r) {
        c(r, j) += alpha * b(i, j) * a(i, r);
        above += b(r, j) * a(i, r);
      });
      c(i, j) = beta * c(i, j) + alpha * b(i, j) * a(i, i) + alpha * above;
    });
  });
  return k.build();
}

void symm_plain(Operands& x) {
  const float alpha = x.real("alpha");
  const float beta = x.real("beta");
  const auto c = x.grid<float>("c");
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");

  for (int i = 0; i < x.size("m"); ++i) {
    for (int j = 0; j < x.size("n"); ++j) {
      float above = 0;
      for (int r = 0; r < i; ++r) {
        c(r, j) += alpha * b(i, j) * a(i, r);
        above += b(r, j) * a(i, r);
      }
      c(i, j) = beta * c(i, j) + alpha * b(i, j) * a(i, i) + alpha * above;
    }
  }
}

// syr2k: c = alpha (a b' + b a') + beta c, lower half

KernelPtr syr2k_kernel(int n, int m) {
  KernelBuilder k("syr2k", "c = alpha (a b' + b a') + beta c for a symmetric c");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  const Expr beta = k.scalar_argument("beta", float32_type());
  ArrayHandle c = k.inout("c", float32_type(), {n, n});
  ArrayHandle a = k.input("a", float32_type(), {n, m});
  ArrayHandle b = k.input("b", float32_type(), {n, m});

  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, i + 1, [&](Expr j) { c(i, j) *= beta; });
    k.loop("k", 0, m, [&](Expr r) {
      k.loop("j", 0, i + 1,
             [&](Expr j) { c(i, j) += a(j, r) * alpha * b(i, r) + b(j, r) * alpha * a(i, r); });
    });
  });
  return k.build();
}

void syr2k_plain(Operands& x) {
  const float alpha = x.real("alpha");
  const float beta = x.real("beta");
  const auto c = x.grid<float>("c");
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");

  for (int i = 0; i < a.extent(0); ++i) {
    for (int j = 0; j <= i; ++j) c(i, j) *= beta;
    for (int r = 0; r < a.extent(1); ++r) {
      for (int j = 0; j <= i; ++j) {
        c(i, j) += a(j, r) * alpha * b(i, r) + b(j, r) * alpha * a(i, r);
      }
    }
  }
}

// syrk: c = alpha a a' + beta c, lower half

KernelPtr syrk_kernel() {
  KernelBuilder k("syrk", "c = alpha a a' + beta c for a symmetric c");
  const Expr n = k.size("n");
  const Expr m = k.size("m");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  const Expr beta = k.scalar_argument("beta", float32_type());
  ArrayHandle c = k.inout("c", float32_type(), {n, n});
  ArrayHandle a = k.input("a", float32_type(), {n, m});

  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, i + 1, [&](Expr j) { c(i, j) *= beta; });
    k.loop("k", 0, m, [&](Expr r) {
      k.loop("j", 0, i + 1, [&](Expr j) { c(i, j) += alpha * a(i, r) * a(j, r); });
    });
  });
  return k.build();
}

void syrk_plain(Operands& x) {
  const float alpha = x.real("alpha");
  const float beta = x.real("beta");
  const auto c = x.grid<float>("c");
  const auto a = x.grid<float>("a");

  for (int i = 0; i < x.size("n"); ++i) {
    for (int j = 0; j <= i; ++j) c(i, j) *= beta;
    for (int r = 0; r < x.size("m"); ++r) {
      for (int j = 0; j <= i; ++j) c(i, j) += alpha * a(i, r) * a(j, r);
    }
  }
}

// trmm: b = alpha a' b for a unit lower triangular a

KernelPtr trmm_kernel(int m, int n) {
  KernelBuilder k("trmm", "b = alpha a' b for a unit lower triangular a");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  ArrayHandle a = k.input("a", float32_type(), {m, m});
  ArrayHandle b = k.inout("b", float32_type(), {m, n});

  k.loop("i", 0, m, [&](Expr i) {
    k.loop("j", 0, n, [&](Expr j) {
      k.loop("k", i + 1, m, [&](Expr r) { b(i, j) += a(r, i) * b(r, j); });
      b(i, j) = alpha * b(i, j);
    });
  });
  return k.build();
}

void trmm_plain(Operands& x) {
  const float alpha = x.real("alpha");
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");
  const int m = b.extent(0);

  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < b.extent(1); ++j) {
      for (int r = i + 1; r < m; ++r) b(i, j) += a(r, i) * b(r, j);
      b(i, j) = alpha * b(i, j);
    }
  }
}

}  // namespace

std::vector<Workload> polybench_blas(Size size) {
  const double alpha = 1.5;
  const double beta = 1.2;
  const int l = scaled(size, 9);
  const int m = scaled(size, 11);
  const int n = scaled(size, 14);
  return {
      make_workload("gemm", gemm_kernel(),
                    {{"ni", l}, {"nj", m}, {"nk", n}, {"alpha", alpha}, {"beta", beta}},
                    gemm_plain),
      make_workload("gemver", gemver_kernel(), {{"n", n}, {"alpha", alpha}, {"beta", beta}},
                    gemver_plain),
      make_workload("gesummv", gesummv_kernel(n), {{"alpha", alpha}, {"beta", beta}},
                    gesummv_plain),
      make_workload("symm", symm_kernel(), {{"m", m}, {"n", n}, {"alpha", alpha}, {"beta", beta}},
                    symm_plain),
      make_workload("syr2k", syr2k_kernel(n, m), {{"alpha", alpha}, {"beta", beta}}, syr2k_plain),
      make_workload("syrk", syrk_kernel(), {{"n", n}, {"m", m}, {"alpha", alpha}, {"beta", beta}},
                    syrk_plain),
      make_workload("trmm", trmm_kernel(m, n), {{"alpha", alpha}}, trmm_plain),
  };
}

}  // namespace heddle::kernel
