// Factorisations and solutions of linear equations.
#include "kernel/builder.h"
#include "kernel/polybench/polybench.h"

#include <cmath>

namespace heddle::kernel {
namespace {

// cholesky: a = l l', in place in the lower half of a

KernelPtr cholesky_kernel() {
  KernelBuilder k("cholesky", "a = l l' in place");
  const Expr n = k.size("n");
  ArrayHandle a = k.inout("a", float32_type(), {n, n});

  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, i, [&](Expr j) {
      k.loop("k", 0, j, [&](Expr r) { a(i, j) -= a(i, r) * a(j, r); });
      a(i, j) = a(i, j) / a(j, j);
    });
    k.loop("k", 0, i, [&](Expr r) { a(i, i) -= a(i, r) * a(i, r); });
    a(i, i) = sqrt(a(i, i));
  });
  return k.build();
}

void cholesky_plain(Operands& x) {
  const auto a = x.grid<float>("a");

  for (int i = 0; i < x.size("n"); ++i) {
    for (int j = 0; j < i; ++j) {
      for (int r = 0; r < j; ++r) a(i, j) -= a(i, r) * a(j, r);
      a(i, j) /= a(j, j);
    }
    for (int r = 0; r < i; ++r) a(i, i) -= a(i, r) * a(i, r);
    a(i, i) = std::sqrt(a(i, i));
  }
}

// durbin: solves the Toeplitz system of r (Levinson and Durbin)

KernelPtr durbin_kernel(int n) {
  KernelBuilder k("durbin", "the solution y of a Toeplitz system");
  ArrayHandle r = k.input("r", float32_type(), {n});
  ArrayHandle y = k.output("y", float32_type(), {n});
  ArrayHandle z = k.local("z", float32_type(), {n});
  Element alpha = k.scalar("alpha", float32_type());
  Element beta = k.scalar("beta", float32_type());
  Element sum = k.scalar("sum", float32_type());

  y(0) = -r(0);
  beta = 1.0;
  alpha = -r(0);
  k.loop("k", 1, n, [&](Expr step) {
    beta = (1.0 - alpha * alpha) * beta;
    sum = 0.0;
    k.loop("i", 0, step, [&](Expr i) { sum += r(step - i - 1) * y(i); });
    alpha = -(r(step) + sum) / beta;
    k.loop("i", 0, step, [&](Expr i) { z(i) = y(i) + alpha * y(step - i - 1); });
    k.loop("i", 0, step, [&](Expr i) { y(i) = z(i); });
    y(step) = alpha;
  });
  return k.build();
}

void durbin_plain(Operands& x) {
  const auto r = x.grid<float>("r");
  const auto y = x.grid<float>("y");
  const int n = r.extent(0);
  const Grid<float> z({n});

  y(0) = -r(0);
  float beta = 1;
  float alpha = -r(0);
  for (int step = 1; step < n; ++step) {
    beta = (1 - alpha * alpha) * beta;
    float sum = 0;
    for (int i = 0; i < step; ++i) sum += r(step - i - 1) * y(i);
    alpha = -(r(step) + sum) / beta;
    for (int i = 0; i < step; ++i) z(i) = y(i) + alpha * y(step - i - 1);
    for (int i = 0; i < step; ++i) y(i) = z(i);
    y(step) = alpha;
  }
}

// gramschmidt: a = q r, with orthonormal columns of q and an upper triangular r

KernelPtr gramschmidt_kernel(int m, int n) {
  KernelBuilder k("gramschmidt", "a = q r by the modified Gram-Schmidt process");
  ArrayHandle a = k.inout("a", float32_type(), {m, n});
  ArrayHandle r = k.inout("r", float32_type(), {n, n});
  ArrayHandle q = k.output("q", float32_type(), {m, n});

  k.loop("k", 0, n, [&](Expr c) {
    Element norm = k.scalar("norm", float32_type());
    norm = 0.0;
    k.loop("i", 0, m, [&](Expr i) { norm += a(i, c) * a(i, c); });
    r(c, c) = sqrt(norm);
    k.loop("i", 0, m, [&](Expr i) { q(i, c) = a(i, c) / r(c, c); });
    k.loop("j", c + 1, n, [&](Expr j) {
      r(c, j) = 0.0;
      k.loop("i", 0, m, [&](Expr i) { r(c, j) += q(i, c) * a(i, j); });
      k.loop("i", 0, m, [&](Expr i) { a(i, j) = a(i, j) - q(i, c) * r(c, j); });
    });
  });
  return k.build();
}

void gramschmidt_plain(Operands& x) {
  const auto a = x.grid<float>("a");
  const auto r = x.grid<float>("r");
  const auto q = x.grid<float>("q");
  const int m = a.extent(0);
  const int n = a.extent(1);

  for (int c = 0; c < n; ++c) {
    float norm = 0;
    for (int i = 0; i < m; ++i) norm += a(i, c) * a(i, c);
    r(c, c) = std::sqrt(norm);
    for (int i = 0; i < m; ++i) q(i, c) = a(i, c) / r(c, c);
    for (int j = c + 1; j < n; ++j) {
      r(c, j) = 0;
      for (int i = 0; i < m; ++i) r(c, j) += q(i, c) * a(i, j);
      for (int i = 0; i < m; ++i) a(i, j) = a(i, j) - q(i, c) * r(c, j);
    }
  }
}

// lu: a = l u, in place

KernelPtr lu_kernel() {
  KernelBuilder k("lu", "a = l u in place");
  const Expr n = k.size("n");
  ArrayHandle a = k.inout("a", float32_type(), {n, n});

  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, i, [&](Expr j) {
      k.loop("k", 0, j, [&](Expr r) { a(i, j) -= a(i, r) * a(r, j); });
      a(i, j) = a(i, j) / a(j, j);
    });
    k.loop("j", i, n,
           [&](Expr j) { k.loop("k", 0, i, [&](Expr r) { a(i, j) -= a(i, r) * a(r, j); }); });
  });
  return k.build();
}

void lu_plain(Operands& x) {
  const int n = x.size("n");
  const auto a = x.grid<float>("a");

  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < i; ++j) {
      for (int r = 0; r < j; ++r) a(i, j) -= a(i, r) * a(r, j);
      a(i, j) /= a(j, j);
    }
    for (int j = i; j < n; ++j) {
      for (int r = 0; r < i; ++r) a(i, j) -= a(i, r) * a(r, j);
    }
  }
}

// ludcmp: solves a x = b by a = l u, l y = b, u x = y

KernelPtr ludcmp_kernel(int n) {
  KernelBuilder k("ludcmp", "the solution x of a x = b by a = l u");
  ArrayHandle a = k.inout("a", float32_type(), {n, n});
  ArrayHandle b = k.input("b", float32_type(), {n});
  ArrayHandle x = k.output("x", float32_type(), {n});
  ArrayHandle y = k.output("y", float32_type(), {n});
  Element w = k.scalar("w", float32_type());

  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, i, [&](Expr j) {
      w = a(i, j);
      k.loop("k", 0, j, [&](Expr r) { w -= a(i, r) * a(r, j); });
      a(i, j) = w / a(j, j);
    });
    k.loop("j", i, n, [&](Expr j) {
      w = a(i, j);
      k.loop("k", 0, i, [&](Expr r) { w -= a(i, r) * a(r, j); });
      a(i, j) = w;
    });
  });
  k.loop("i", 0, n, [&](Expr i) {
    w = b(i);
    k.loop("j", 0, i, [&](Expr j) { w -= a(i, j) * y(j); });
    y(i) = w;
  });
  // Loops count upwards: from the last row to the first is n-1-back.
  k.loop("back", 0, n, [&](Expr back) {
    const Expr i = n - 1 - back;
    w = y(i);
    k.loop("j", i + 1, n, [&](Expr j) { w -= a(i, j) * x(j); });
    x(i) = w / a(i, i);
  });
  return k.build();
}

void ludcmp_plain(Operands& o) {
  const auto a = o.grid<float>("a");
  const auto b = o.grid<float>("b");
  const auto x = o.grid<float>("x");
  const auto y = o.grid<float>("y");
  const int n = b.extent(0);

  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < i; ++j) {
      float w = a(i, j);
      for (int r = 0; r < j; ++r) w -= a(i, r) * a(r, j);
      a(i, j) = w / a(j, j);
    }
    for (int j = i; j < n; ++j) {
      float w = a(i, j);
      for (int r = 0; r < i; ++r) w -= a(i, r) * a(r, j);
      a(i, j) = w;
    }
  }
  for (int i = 0; i < n; ++i) {
    float w = b(i);
    for (int j = 0; j < i; ++j) w -= a(i, j) * y(j);
    y(i) = w;
  }
  for (int i = n - 1; i >= 0; --i) {
    float w = y(i);
    for (int j = i + 1; j < n; ++j) w -= a(i, j) * x(j);
    x(i) = w / a(i, i);
  }
}

// trisolv: solves l x = b for a lower triangular l

KernelPtr trisolv_kernel() {
  KernelBuilder k("trisolv", "the solution x of l x = b for a lower triangular l");
  const Expr n = k.size("n");
  ArrayHandle l = k.input("l", float32_type(), {n, n});
  ArrayHandle x = k.output("x", float32_type(), {n});
  ArrayHandle b = k.input("b", float32_type(), {n});

  k.loop("i", 0, n, [&](Expr i) {
    x(i) = b(i);
    k.loop("j", 0, i, [&](Expr j) { x(i) -= l(i, j) * x(j); });
    x(i) = x(i) / l(i, i);
  });
  return k.build();
}

void trisolv_plain(Operands& o) {
  const auto l = o.grid<float>("l");
  const auto x = o.grid<float>("x");
  const auto b = o.grid<float>("b");

  for (int i = 0; i < o.size("n"); ++i) {
    x(i) = b(i);
    for (int j = 0; j < i; ++j) x(i) -= l(i, j) * x(j);
    x(i) = x(i) / l(i, i);
  }
}

/// Adds to the diagonal of a square matrix what keeps factors and solutions small.
std::function<void(Operands&)> dominant(const std::string& matrix) {
  return [matrix](Operands& x) {
    const auto a = x.grid<float>(matrix);
    for (int i = 0; i < a.extent(0); ++i) a(i, i) += static_cast<float>(a.extent(0));
  };
}

}  // namespace

std::vector<Workload> polybench_solvers(Size size) {
  const int m = scaled(size, 16);
  const int n = scaled(size, 13);
  const auto little_correlation = [](Operands& x) {
    const auto r = x.grid<float>("r");
    for (int i = 0; i < r.extent(0); ++i) r(i) /= static_cast<float>(r.extent(0));
  };
  return {
      make_workload("cholesky", cholesky_kernel(), {{"n", n}}, cholesky_plain, dominant("a")),
      make_workload("durbin", durbin_kernel(m), {}, durbin_plain, little_correlation),
      make_workload("gramschmidt", gramschmidt_kernel(m, n), {}, gramschmidt_plain),
      make_workload("lu", lu_kernel(), {{"n", n}}, lu_plain, dominant("a")),
      make_workload("ludcmp", ludcmp_kernel(n), {}, ludcmp_plain, dominant("a")),
      make_workload("trisolv", trisolv_kernel(), {{"n", m}}, trisolv_plain, dominant("l")),
  };
}

}  // namespace heddle::kernel
