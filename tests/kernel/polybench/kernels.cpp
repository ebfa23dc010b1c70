// Chains of matrix and vector products.
#include "kernel/builder.h"
#include "kernel/polybench/polybench.h"

namespace heddle::kernel {
namespace {

// 2mm: d = alpha a b c + beta d

KernelPtr two_mm_kernel() {
  KernelBuilder k("two_mm", "d = alpha a b c + beta d");
  const Expr ni = k.size("ni");
  const Expr nj = k.size("nj");
  const Expr nk = k.size("nk");
  const Expr nl = k.size("nl");
  const Expr alpha = k.scalar_argument("alpha", float32_type());
  const Expr beta = k.scalar_argument("beta", float32_type());
  ArrayHandle a = k.input("a", float32_type(), {ni, nk});
  ArrayHandle b = k.input("b", float32_type(), {nk, nj});
  ArrayHandle c = k.input("c", float32_type(), {nj, nl});
  ArrayHandle d = k.inout("d", float32_type(), {ni, nl});
  ArrayHandle tmp = k.output("tmp", float32_type(), {ni, nj});

  k.loop("i", 0, ni, [&](Expr i) {
    k.loop("j", 0, nj, [&](Expr j) {
      tmp(i, j) = 0.0;
      k.loop("k", 0, nk, [&](Expr r) { tmp(i, j) += alpha * a(i, r) * b(r, j); });
    });
  });
  k.loop("i", 0, ni, [&](Expr i) {
    k.loop("j", 0, nl, [&](Expr j) {
      d(i, j) *= beta;
      k.loop("k", 0, nj, [&](Expr r) { d(i, j) += tmp(i, r) * c(r, j); });
    });
  });
  return k.build();
}

void two_mm_plain(Operands& x) {
  const int ni = x.size("ni");
  const int nj = x.size("nj");
  const float alpha = x.real("alpha");
  const float beta = x.real("beta");
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");
  const auto c = x.grid<float>("c");
  const auto d = x.grid<float>("d");
  const auto tmp = x.grid<float>("tmp");

  for (int i = 0; i < ni; ++i) {
    for (int j = 0; j < nj; ++j) {
      tmp(i, j) = 0;
      for (int r = 0; r < x.size("nk"); ++r) tmp(i, j) += alpha * a(i, r) * b(r, j);
    }
  }
  for (int i = 0; i < ni; ++i) {
    for (int j = 0; j < x.size("nl"); ++j) {
      d(i, j) *= beta;
      for (int r = 0; r < nj; ++r) d(i, j) += tmp(i, r) * c(r, j);
    }
  }
}

// 3mm: g = (a b) (c d). One product is written once and called three times.

KernelPtr product_kernel() {
  KernelBuilder k("product", "z = x y");
  const Expr rows = k.size("rows");
  const Expr columns = k.size("columns");
  const Expr inner = k.size("inner");
  ArrayHandle x = k.input("x", float32_type(), {rows, inner});
  ArrayHandle y = k.input("y", float32_type(), {inner, columns});
  ArrayHandle z = k.output("z", float32_type(), {rows, columns});

  k.loop("i", 0, rows, [&](Expr i) {
    k.loop("j", 0, columns, [&](Expr j) {
      z(i, j) = 0.0;
      k.loop("k", 0, inner, [&](Expr r) { z(i, j) += x(i, r) * y(r, j); });
    });
  });
  return k.build();
}

KernelPtr three_mm_kernel(int ni, int nj, int nk, int nl, int nm) {
  KernelBuilder k("three_mm", "g = (a b) (c d)");
  ArrayHandle a = k.input("a", float32_type(), {ni, nk});
  ArrayHandle b = k.input("b", float32_type(), {nk, nj});
  ArrayHandle c = k.input("c", float32_type(), {nj, nm});
  ArrayHandle d = k.input("d", float32_type(), {nm, nl});
  ArrayHandle e = k.output("e", float32_type(), {ni, nj});
  ArrayHandle f = k.output("f", float32_type(), {nj, nl});
  ArrayHandle g = k.output("g", float32_type(), {ni, nl});

  const KernelPtr product = product_kernel();
  k.call(product, {ni, nj, nk, a.all(), b.all(), e.all()});
  k.call(product, {nj, nl, nm, c.all(), d.all(), f.all()});
  k.call(product, {ni, nl, nj, e.all(), f.all(), g.all()});
  return k.build();
}

void product_plain(const Grid<float>& x, const Grid<float>& y, const Grid<float>& z) {
  for (int i = 0; i < z.extent(0); ++i) {
    for (int j = 0; j < z.extent(1); ++j) {
      z(i, j) = 0;
      for (int r = 0; r < x.extent(1); ++r) z(i, j) += x(i, r) * y(r, j);
    }
  }
}

void three_mm_plain(Operands& x) {
  const auto e = x.grid<float>("e");
  const auto f = x.grid<float>("f");
  product_plain(x.grid<float>("a"), x.grid<float>("b"), e);
  product_plain(x.grid<float>("c"), x.grid<float>("d"), f);
  product_plain(e, f, x.grid<float>("g"));
}

// atax: y = a' (a x)

KernelPtr atax_kernel() {
  KernelBuilder k("atax", "y = a' (a x)");
  const Expr m = k.size("m");
  const Expr n = k.size("n");
  ArrayHandle a = k.input("a", float32_type(), {m, n});
  ArrayHandle x = k.input("x", float32_type(), {n});
  ArrayHandle y = k.output("y", float32_type(), {n});
  ArrayHandle tmp = k.output("tmp", float32_type(), {m});

  k.loop("i", 0, n, [&](Expr i) { y(i) = 0.0; });
  k.loop("i", 0, m, [&](Expr i) {
    tmp(i) = 0.0;
    k.loop("j", 0, n, [&](Expr j) { tmp(i) = tmp(i) + a(i, j) * x(j); });
    k.loop("j", 0, n, [&](Expr j) { y(j) = y(j) + a(i, j) * tmp(i); });
  });
  return k.build();
}

void atax_plain(Operands& o) {
  const int m = o.size("m");
  const int n = o.size("n");
  const auto a = o.grid<float>("a");
  const auto x = o.grid<float>("x");
  const auto y = o.grid<float>("y");
  const auto tmp = o.grid<float>("tmp");

  for (int i = 0; i < n; ++i) y(i) = 0;
  for (int i = 0; i < m; ++i) {
    tmp(i) = 0;
    for (int j = 0; j < n; ++j) tmp(i) = tmp(i) + a(i, j) * x(j);
    for (int j = 0; j < n; ++j) y(j) = y(j) + a(i, j) * tmp(i);
  }
}

// bicg: s = a' r;  q = a p

KernelPtr bicg_kernel(int m, int n) {
  KernelBuilder k("bicg", "s = a' r and q = a p in one pass over a");
  ArrayHandle a = k.input("a", float32_type(), {n, m});
  ArrayHandle s = k.output("s", float32_type(), {m});
  ArrayHandle q = k.output("q", float32_type(), {n});
  ArrayHandle p = k.input("p", float32_type(), {m});
  ArrayHandle r = k.input("r", float32_type(), {n});

  k.loop("i", 0, m, [&](Expr i) { s(i) = 0.0; });
  k.loop("i", 0, n, [&](Expr i) {
    q(i) = 0.0;
    k.loop("j", 0, m, [&](Expr j) {
      s(j) = s(j) + r(i) * a(i, j);
      q(i) = q(i) + a(i, j) * p(j);
    });
  });
  return k.build();
}

void bicg_plain(Operands& x) {
  const auto a = x.grid<float>("a");
  const auto s = x.grid<float>("s");
  const auto q = x.grid<float>("q");
  const auto p = x.grid<float>("p");
  const auto r = x.grid<float>("r");
  const int n = a.extent(0);
  const int m = a.extent(1);

  for (int i = 0; i < m; ++i) s(i) = 0;
  for (int i = 0; i < n; ++i) {
    q(i) = 0;
    for (int j = 0; j < m; ++j) {
      s(j) = s(j) + r(i) * a(i, j);
      q(i) = q(i) + a(i, j) * p(j);
    }
  }
}

// doitgen: a[r, q, :] = a[r, q, :] c4 for every r and q

KernelPtr doitgen_kernel(int nr, int nq, int np) {
  KernelBuilder k("doitgen", "every row of a three-dimensional a times c4");
  ArrayHandle a = k.inout("a", float32_type(), {nr, nq, np});
  ArrayHandle c4 = k.input("c4", float32_type(), {np, np});
  ArrayHandle sum = k.local("sum", float32_type(), {np});

  k.loop("r", 0, nr, [&](Expr r) {
    k.loop("q", 0, nq, [&](Expr q) {
      k.loop("p", 0, np, [&](Expr p) {
        sum(p) = 0.0;
        k.loop("s", 0, np, [&](Expr s) { sum(p) += a(r, q, s) * c4(s, p); });
      });
      k.loop("p", 0, np, [&](Expr p) { a(r, q, p) = sum(p); });
    });
  });
  return k.build();
}

void doitgen_plain(Operands& x) {
  const auto a = x.grid<float>("a");
  const auto c4 = x.grid<float>("c4");
  const int np = a.extent(2);
  const Grid<float> sum({np});

  for (int r = 0; r < a.extent(0); ++r) {
    for (int q = 0; q < a.extent(1); ++q) {
      for (int p = 0; p < np; ++p) {
        sum(p) = 0;
        for (int s = 0; s < np; ++s) sum(p) += a(r, q, s) * c4(s, p);
      }
      for (int p = 0; p < np; ++p) a(r, q, p) = sum(p);
    }
  }
}

// mvt: x1 = x1 + a y1;  x2 = x2 + a' y2

KernelPtr mvt_kernel() {
  KernelBuilder k("mvt", "x1 += a y1 and x2 += a' y2");
  const Expr n = k.size("n");
  ArrayHandle x1 = k.inout("x1", float32_type(), {n});
  ArrayHandle x2 = k.inout("x2", float32_type(), {n});
  ArrayHandle y1 = k.input("y1", float32_type(), {n});
  ArrayHandle y2 = k.input("y2", float32_type(), {n});
  ArrayHandle a = k.input("a", float32_type(), {n, n});

  k.loop("i", 0, n,
         [&](Expr i) { k.loop("j", 0, n, [&](Expr j) { x1(i) = x1(i) + a(i, j) * y1(j); }); });
  k.loop("i", 0, n,
         [&](Expr i) { k.loop("j", 0, n, [&](Expr j) { x2(i) = x2(i) + a(j, i) * y2(j); }); });
  return k.build();
}

void mvt_plain(Operands& x) {
  const int n = x.size("n");
  const auto x1 = x.grid<float>("x1");
  const auto x2 = x.grid<float>("x2");
  const auto y1 = x.grid<float>("y1");
  const auto y2 = x.grid<float>("y2");
  const auto a = x.grid<float>("a");

  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) x1(i) = x1(i) + a(i, j) * y1(j);
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) x2(i) = x2(i) + a(j, i) * y2(j);
  }
}

}  // namespace

std::vector<Workload> polybench_kernels(Size size) {
  const int l = scaled(size, 7);
  const int m = scaled(size, 9);
  const int n = scaled(size, 12);
  return {
      make_workload("2mm", two_mm_kernel(),
                    {{"ni", m}, {"nj", l}, {"nk", n}, {"nl", m}, {"alpha", 1.5}, {"beta", 1.2}},
                    two_mm_plain),
      make_workload("3mm", three_mm_kernel(l, m, n, m, l), {}, three_mm_plain),
      make_workload("atax", atax_kernel(), {{"m", m}, {"n", n}}, atax_plain),
      make_workload("bicg", bicg_kernel(m, n), {}, bicg_plain),
      make_workload("doitgen", doitgen_kernel(l, m, n), {}, doitgen_plain),
      make_workload("mvt", mvt_kernel(), {{"n", n}}, mvt_plain),
  };
}

}  // namespace heddle::kernel
