// Stencils: every point of a grid from its neighbours, step by step in time.
#include "kernel/builder.h"
#include "kernel/polybench/polybench.h"

namespace heddle::kernel {
namespace {

// adi: heat in two dimensions by alternating directions, implicitly along columns, then rows

KernelPtr adi_kernel() {
  KernelBuilder k("adi", "heat in two dimensions, implicit along columns and rows in turn");
  const Expr steps = k.size("steps");
  const Expr n = k.size("n");
  ArrayHandle u = k.inout("u", float32_type(), {n, n});
  ArrayHandle v = k.inout("v", float32_type(), {n, n});
  ArrayHandle p = k.inout("p", float32_type(), {n, n});
  ArrayHandle q = k.inout("q", float32_type(), {n, n});
  // Scalars that are computed once and then only read.
  const auto constant = [&](const std::string& name, const Expr& value) {
    Element element = k.scalar(name, float32_type());
    element = value;
    return element;
  };
  const Element dx = constant("dx", 1.0 / cast(float32_type(), n));
  const Element dy = constant("dy", 1.0 / cast(float32_type(), n));
  const Element dt = constant("dt", 1.0 / cast(float32_type(), steps));
  const Element mul1 = constant("mul1", 2.0 * dt / (dx * dx));
  const Element mul2 = constant("mul2", 1.0 * dt / (dy * dy));
  const Element a = constant("a", -mul1 / 2.0);
  const Element b = constant("b", 1.0 + mul1);
  const Element d = constant("d", -mul2 / 2.0);
  const Element e = constant("e", 1.0 + mul2);

  k.loop("t", 0, steps, [&](Expr) {
    k.loop("i", 1, n - 1, [&](Expr i) {
      v(0, i) = 1.0;
      p(i, 0) = 0.0;
      q(i, 0) = v(0, i);
      k.loop("j", 1, n - 1, [&](Expr j) {
        p(i, j) = -a / (a * p(i, j - 1) + b);
        q(i, j) =
            (-d * u(j, i - 1) + (1.0 + 2.0 * d) * u(j, i) - d * u(j, i + 1) - a * q(i, j - 1)) /
            (a * p(i, j - 1) + b);
      });
      v(n - 1, i) = 1.0;
      k.loop("back", 1, n - 1, [&](Expr back) {
        const Expr j = n - 1 - back;
        v(j, i) = p(i, j) * v(j + 1, i) + q(i, j);
      });
    });
    k.loop("i", 1, n - 1, [&](Expr i) {
      u(i, 0) = 1.0;
      p(i, 0) = 0.0;
      q(i, 0) = u(i, 0);
      k.loop("j", 1, n - 1, [&](Expr j) {
        p(i, j) = -d / (d * p(i, j - 1) + e);
        q(i, j) =
            (-a * v(i - 1, j) + (1.0 + 2.0 * a) * v(i, j) - a * v(i + 1, j) - d * q(i, j - 1)) /
            (d * p(i, j - 1) + e);
      });
      u(i, n - 1) = 1.0;
      k.loop("back", 1, n - 1, [&](Expr back) {
        const Expr j = n - 1 - back;
        u(i, j) = p(i, j) * u(i, j + 1) + q(i, j);
      });
    });
  });
  return k.build();
}

void adi_plain(Operands& x) {
  const int steps = x.size("steps");
  const int n = x.size("n");
  const auto u = x.grid<float>("u");
  const auto v = x.grid<float>("v");
  const auto p = x.grid<float>("p");
  const auto q = x.grid<float>("q");
  const float dx = 1 / static_cast<float>(n);
  const float dy = 1 / static_cast<float>(n);
  const float dt = 1 / static_cast<float>(steps);
  const float mul1 = 2 * dt / (dx * dx);
  const float mul2 = 1 * dt / (dy * dy);
  const float a = -mul1 / 2;
  const float b = 1 + mul1;
  const float d = -mul2 / 2;
  const float e = 1 + mul2;

  for (int t = 0; t < steps; ++t) {
    for (int i = 1; i < n - 1; ++i) {
      v(0, i) = 1;
      p(i, 0) = 0;
      q(i, 0) = v(0, i);
      for (int j = 1; j < n - 1; ++j) {
        p(i, j) = -a / (a * p(i, j - 1) + b);
        q(i, j) = (-d * u(j, i - 1) + (1 + 2 * d) * u(j, i) - d * u(j, i + 1) - a * q(i, j - 1)) /
                  (a * p(i, j - 1) + b);
      }
      v(n - 1, i) = 1;
      for (int j = n - 2; j >= 1; --j) v(j, i) = p(i, j) * v(j + 1, i) + q(i, j);
    }
    for (int i = 1; i < n - 1; ++i) {
      u(i, 0) = 1;
      p(i, 0) = 0;
      q(i, 0) = u(i, 0);
      for (int j = 1; j < n - 1; ++j) {
        p(i, j) = -d / (d * p(i, j - 1) + e);
        q(i, j) = (-a * v(i - 1, j) + (1 + 2 * a) * v(i, j) - a * v(i + 1, j) - d * q(i, j - 1)) /
                  (d * p(i, j - 1) + e);
      }
      u(i, n - 1) = 1;
      for (int j = n - 2; j >= 1; --j) u(i, j) = p(i, j) * u(i, j + 1) + q(i, j);
    }
  }
}

// fdtd-2d: electric (ex, ey) and magnetic (hz) fields in turn

KernelPtr fdtd_2d_kernel() {
  KernelBuilder k("fdtd_2d", "electromagnetic fields in two dimensions");
  const Expr steps = k.size("steps");
  const Expr nx = k.size("nx");
  const Expr ny = k.size("ny");
  ArrayHandle ex = k.inout("ex", float32_type(), {nx, ny});
  ArrayHandle ey = k.inout("ey", float32_type(), {nx, ny});
  ArrayHandle hz = k.inout("hz", float32_type(), {nx, ny});
  ArrayHandle source = k.input("source", float32_type(), {steps});

  k.loop("t", 0, steps, [&](Expr t) {
    k.loop("j", 0, ny, [&](Expr j) { ey(0, j) = source(t); });
    k.loop("i", 1, nx, [&](Expr i) {
      k.loop("j", 0, ny, [&](Expr j) { ey(i, j) -= 0.5 * (hz(i, j) - hz(i - 1, j)); });
    });
    k.loop("i", 0, nx, [&](Expr i) {
      k.loop("j", 1, ny, [&](Expr j) { ex(i, j) -= 0.5 * (hz(i, j) - hz(i, j - 1)); });
    });
    k.loop("i", 0, nx - 1, [&](Expr i) {
      k.loop("j", 0, ny - 1, [&](Expr j) {
        hz(i, j) -= 0.7 * (ex(i, j + 1) - ex(i, j) + ey(i + 1, j) - ey(i, j));
      });
    });
  });
  return k.build();
}

void fdtd_2d_plain(Operands& x) {
  const int nx = x.size("nx");
  const int ny = x.size("ny");
  const auto ex = x.grid<float>("ex");
  const auto ey = x.grid<float>("ey");
  const auto hz = x.grid<float>("hz");
  const auto source = x.grid<float>("source");

  for (int t = 0; t < x.size("steps"); ++t) {
    for (int j = 0; j < ny; ++j) ey(0, j) = source(t);
    for (int i = 1; i < nx; ++i) {
      for (int j = 0; j < ny; ++j) ey(i, j) -= 0.5F * (hz(i, j) - hz(i - 1, j));
    }
    for (int i = 0; i < nx; ++i) {
      for (int j = 1; j < ny; ++j) ex(i, j) -= 0.5F * (hz(i, j) - hz(i, j - 1));
    }
    for (int i = 0; i < nx - 1; ++i) {
      for (int j = 0; j < ny - 1; ++j) {
        hz(i, j) -= 0.7F * (ex(i, j + 1) - ex(i, j) + ey(i + 1, j) - ey(i, j));
      }
    }
  }
}

// heat-3d: heat in three dimensions, from a to b and back

KernelPtr heat_3d_kernel(int steps, int n) {
  KernelBuilder k("heat_3d", "heat in three dimensions");
  ArrayHandle a = k.inout("a", float32_type(), {n, n, n});
  ArrayHandle b = k.inout("b", float32_type(), {n, n, n});
  const auto step = [&](const ArrayHandle& to, const ArrayHandle& from) {
    k.loop("i", 1, n - 1, [&](Expr i) {
      k.loop("j", 1, n - 1, [&](Expr j) {
        k.loop("k", 1, n - 1, [&](Expr l) {
          to(i, j, l) = 0.125 * (from(i + 1, j, l) - 2.0 * from(i, j, l) + from(i - 1, j, l)) +
                        0.125 * (from(i, j + 1, l) - 2.0 * from(i, j, l) + from(i, j - 1, l)) +
                        0.125 * (from(i, j, l + 1) - 2.0 * from(i, j, l) + from(i, j, l - 1)) +
                        from(i, j, l);
        });
      });
    });
  };
  k.loop("t", 0, steps, [&](Expr) {
    step(b, a);
    step(a, b);
  });
  return k.build();
}

void heat_3d_plain(Operands& x, int steps) {
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");
  const int n = a.extent(0);
  const auto step = [&](const Grid<float>& to, const Grid<float>& from) {
    for (int i = 1; i < n - 1; ++i) {
      for (int j = 1; j < n - 1; ++j) {
        for (int l = 1; l < n - 1; ++l) {
          to(i, j, l) = 0.125F * (from(i + 1, j, l) - 2 * from(i, j, l) + from(i - 1, j, l)) +
                        0.125F * (from(i, j + 1, l) - 2 * from(i, j, l) + from(i, j - 1, l)) +
                        0.125F * (from(i, j, l + 1) - 2 * from(i, j, l) + from(i, j, l - 1)) +
                        from(i, j, l);
        }
      }
    }
  };
  for (int t = 0; t < steps; ++t) {
    step(b, a);
    step(a, b);
  }
}

// jacobi-1d: the mean of three neighbours, from a to b and back

KernelPtr jacobi_1d_kernel() {
  KernelBuilder k("jacobi_1d", "the mean of three neighbours, again and again");
  const Expr steps = k.size("steps");
  const Expr n = k.size("n");
  ArrayHandle a = k.inout("a", float32_type(), {n});
  ArrayHandle b = k.inout("b", float32_type(), {n});

  k.loop("t", 0, steps, [&](Expr) {
    k.loop("i", 1, n - 1, [&](Expr i) { b(i) = 0.33333 * (a(i - 1) + a(i) + a(i + 1)); });
    k.loop("i", 1, n - 1, [&](Expr i) { a(i) = 0.33333 * (b(i - 1) + b(i) + b(i + 1)); });
  });
  return k.build();
}

void jacobi_1d_plain(Operands& x) {
  const int n = x.size("n");
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");

  for (int t = 0; t < x.size("steps"); ++t) {
    for (int i = 1; i < n - 1; ++i) b(i) = 0.33333F * (a(i - 1) + a(i) + a(i + 1));
    for (int i = 1; i < n - 1; ++i) a(i) = 0.33333F * (b(i - 1) + b(i) + b(i + 1));
  }
}

// jacobi-2d: the mean of five neighbours, from a to b and back

KernelPtr jacobi_2d_kernel(int steps, int n) {
  KernelBuilder k("jacobi_2d", "the mean of five neighbours, again and again");
  ArrayHandle a = k.inout("a", float32_type(), {n, n});
  ArrayHandle b = k.inout("b", float32_type(), {n, n});
  const auto step = [&](const ArrayHandle& to, const ArrayHandle& from) {
    k.loop("i", 1, n - 1, [&](Expr i) {
      k.loop("j", 1, n - 1, [&](Expr j) {
        to(i, j) =
            0.2 * (from(i, j) + from(i, j - 1) + from(i, j + 1) + from(i + 1, j) + from(i - 1, j));
      });
    });
  };
  k.loop("t", 0, steps, [&](Expr) {
    step(b, a);
    step(a, b);
  });
  return k.build();
}

void jacobi_2d_plain(Operands& x, int steps) {
  const auto a = x.grid<float>("a");
  const auto b = x.grid<float>("b");
  const int n = a.extent(0);
  const auto step = [&](const Grid<float>& to, const Grid<float>& from) {
    for (int i = 1; i < n - 1; ++i) {
      for (int j = 1; j < n - 1; ++j) {
        to(i, j) =
            0.2F * (from(i, j) + from(i, j - 1) + from(i, j + 1) + from(i + 1, j) + from(i - 1, j));
      }
    }
  };
  for (int t = 0; t < steps; ++t) {
    step(b, a);
    step(a, b);
  }
}

// seidel-2d: the mean of nine neighbours, in place

KernelPtr seidel_2d_kernel() {
  KernelBuilder k("seidel_2d", "the mean of nine neighbours, in place");
  const Expr steps = k.size("steps");
  const Expr n = k.size("n");
  ArrayHandle a = k.inout("a", float32_type(), {n, n});

  k.loop("t", 0, steps, [&](Expr) {
    k.loop("i", 1, n - 1, [&](Expr i) {
      k.loop("j", 1, n - 1, [&](Expr j) {
        a(i, j) = (a(i - 1, j - 1) + a(i - 1, j) + a(i - 1, j + 1) + a(i, j - 1) + a(i, j) +
                   a(i, j + 1) + a(i + 1, j - 1) + a(i + 1, j) + a(i + 1, j + 1)) /
                  9.0;
      });
    });
  });
  return k.build();
}

void seidel_2d_plain(Operands& x) {
  const int n = x.size("n");
  const auto a = x.grid<float>("a");

  for (int t = 0; t < x.size("steps"); ++t) {
    for (int i = 1; i < n - 1; ++i) {
      for (int j = 1; j < n - 1; ++j) {
        a(i, j) = (a(i - 1, j - 1) + a(i - 1, j) + a(i - 1, j + 1) + a(i, j - 1) + a(i, j) +
                   a(i, j + 1) + a(i + 1, j - 1) + a(i + 1, j) + a(i + 1, j + 1)) /
                  9;
      }
    }
  }
}

}  // namespace

std::vector<Workload> polybench_stencils(Size size) {
  const int steps = scaled(size, 4);
  const int l = scaled(size, 7);
  const int m = scaled(size, 11);
  const int n = scaled(size, 14);
  return {
      make_workload("adi", adi_kernel(), {{"steps", steps}, {"n", m}}, adi_plain),
      make_workload("fdtd-2d", fdtd_2d_kernel(), {{"steps", steps}, {"nx", m}, {"ny", n}},
                    fdtd_2d_plain),
      make_workload("heat-3d", heat_3d_kernel(steps, l), {},
                    [steps](Operands& x) { heat_3d_plain(x, steps); }),
      make_workload("jacobi-1d", jacobi_1d_kernel(), {{"steps", steps}, {"n", 3 * n}},
                    jacobi_1d_plain),
      make_workload("jacobi-2d", jacobi_2d_kernel(steps, n), {},
                    [steps](Operands& x) { jacobi_2d_plain(x, steps); }),
      make_workload("seidel-2d", seidel_2d_kernel(), {{"steps", steps}, {"n", n}}, seidel_2d_plain),
  };
}

}  // namespace heddle::kernel
