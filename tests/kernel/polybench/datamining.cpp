// Data mining: correlation and covariance of the columns of a table.
#include "kernel/builder.h"
#include "kernel/polybench/polybench.h"

#include <cmath>

namespace heddle::kernel {
namespace {

// correlation: m columns (variables) of n rows (observations) -> an m x m matrix

KernelPtr correlation_kernel() {
  KernelBuilder k("correlation", "the correlation of every two columns of data");
  const Expr m = k.size("m");
  const Expr n = k.size("n");
  const Expr float_n = k.scalar_argument("float_n", float32_type());
  ArrayHandle data = k.inout("data", float32_type(), {n, m});
  ArrayHandle corr = k.output("corr", float32_type(), {m, m});
  ArrayHandle mean = k.output("mean", float32_type(), {m});
  ArrayHandle stddev = k.output("stddev", float32_type(), {m});

  k.loop("j", 0, m, [&](Expr j) {
    mean(j) = 0.0;
    k.loop("i", 0, n, [&](Expr i) { mean(j) += data(i, j); });
    mean(j) = mean(j) / float_n;
  });
  k.loop("j", 0, m, [&](Expr j) {
    stddev(j) = 0.0;
    k.loop("i", 0, n,
           [&](Expr i) { stddev(j) += (data(i, j) - mean(j)) * (data(i, j) - mean(j)); });
    stddev(j) = sqrt(stddev(j) / float_n);
    // A column that hardly varies would otherwise be divided by (nearly) nothing.
    stddev(j) = select(stddev(j) <= 0.1, 1.0, stddev(j));
  });
  k.loop("i", 0, n, [&](Expr i) {
    k.loop("j", 0, m, [&](Expr j) {
      data(i, j) -= mean(j);
      data(i, j) = data(i, j) / (sqrt(float_n) * stddev(j));
    });
  });
  k.loop("i", 0, m - 1, [&](Expr i) {
    corr(i, i) = 1.0;
    k.loop("j", i + 1, m, [&](Expr j) {
      corr(i, j) = 0.0;
      k.loop("k", 0, n, [&](Expr r) { corr(i, j) += data(r, i) * data(r, j); });
      corr(j, i) = corr(i, j);
    });
  });
  corr(m - 1, m - 1) = 1.0;
  return k.build();
}

void correlation_plain(Operands& x) {
  const int m = x.size("m");
  const int n = x.size("n");
  const float float_n = x.real("float_n");
  const auto data = x.grid<float>("data");
  const auto corr = x.grid<float>("corr");
  const auto mean = x.grid<float>("mean");
  const auto stddev = x.grid<float>("stddev");

  for (int j = 0; j < m; ++j) {
    mean(j) = 0;
    for (int i = 0; i < n; ++i) mean(j) += data(i, j);
    mean(j) /= float_n;
  }
  for (int j = 0; j < m; ++j) {
    stddev(j) = 0;
    for (int i = 0; i < n; ++i) stddev(j) += (data(i, j) - mean(j)) * (data(i, j) - mean(j));
    stddev(j) = std::sqrt(stddev(j) / float_n);
    if (stddev(j) <= 0.1F) stddev(j) = 1;
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < m; ++j) {
      data(i, j) -= mean(j);
      data(i, j) /= std::sqrt(float_n) * stddev(j);
    }
  }
  for (int i = 0; i < m - 1; ++i) {
    corr(i, i) = 1;
    for (int j = i + 1; j < m; ++j) {
      corr(i, j) = 0;
      for (int r = 0; r < n; ++r) corr(i, j) += data(r, i) * data(r, j);
      corr(j, i) = corr(i, j);
    }
  }
  corr(m - 1, m - 1) = 1;
}

// covariance: as above, without dividing by the deviations

KernelPtr covariance_kernel(int m, int n) {
  KernelBuilder k("covariance", "the covariance of every two columns of data");
  const Expr float_n = k.scalar_argument("float_n", float32_type());
  ArrayHandle data = k.inout("data", float32_type(), {n, m});
  ArrayHandle cov = k.output("cov", float32_type(), {m, m});
  ArrayHandle mean = k.local("mean", float32_type(), {m});

  k.loop("j", 0, m, [&](Expr j) {
    mean(j) = 0.0;
    k.loop("i", 0, n, [&](Expr i) { mean(j) += data(i, j); });
    mean(j) = mean(j) / float_n;
  });
  k.loop("i", 0, n, [&](Expr i) { k.loop("j", 0, m, [&](Expr j) { data(i, j) -= mean(j); }); });
  k.loop("i", 0, m, [&](Expr i) {
    k.loop("j", i, m, [&](Expr j) {
      cov(i, j) = 0.0;
      k.loop("k", 0, n, [&](Expr r) { cov(i, j) += data(r, i) * data(r, j); });
      cov(i, j) = cov(i, j) / (float_n - 1.0);
      cov(j, i) = cov(i, j);
    });
  });
  return k.build();
}

void covariance_plain(Operands& x) {
  const float float_n = x.real("float_n");
  const auto data = x.grid<float>("data");
  const auto cov = x.grid<float>("cov");
  const int n = data.extent(0);
  const int m = data.extent(1);
  const Grid<float> mean({m});

  for (int j = 0; j < m; ++j) {
    mean(j) = 0;
    for (int i = 0; i < n; ++i) mean(j) += data(i, j);
    mean(j) /= float_n;
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < m; ++j) data(i, j) -= mean(j);
  }
  for (int i = 0; i < m; ++i) {
    for (int j = i; j < m; ++j) {
      cov(i, j) = 0;
      for (int r = 0; r < n; ++r) cov(i, j) += data(r, i) * data(r, j);
      cov(i, j) /= float_n - 1;
      cov(j, i) = cov(i, j);
    }
  }
}

}  // namespace

std::vector<Workload> polybench_datamining(Size size) {
  const int m = scaled(size, 11);
  const int n = scaled(size, 14);
  const auto one_constant_column = [](Operands& x) {
    const auto data = x.grid<float>("data");
    for (int i = 0; i < data.extent(0); ++i) data(i, 0) = 2.5F;
  };
  return {
      make_workload("correlation", correlation_kernel(), {{"m", m}, {"n", n}, {"float_n", n}},
                    correlation_plain, one_constant_column),
      make_workload("covariance", covariance_kernel(m, n), {{"float_n", n}}, covariance_plain),
  };
}

}  // namespace heddle::kernel
