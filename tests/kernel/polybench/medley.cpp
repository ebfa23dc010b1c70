// A recursive image filter and two dynamic programs.
#include "kernel/builder.h"
#include "kernel/polybench/polybench.h"

#include <algorithm>
#include <cmath>

namespace heddle::kernel {
namespace {

// deriche: edge detection by recursive filters along rows and columns, both ways. The coefficients,
// made of exp(alpha), are arguments: the language has no exp of its own.

KernelPtr deriche_kernel() {
  KernelBuilder k("deriche", "a recursive smoothing filter along both directions of an image");
  const Expr w = k.size("w");
  const Expr h = k.size("h");
  const Expr a1 = k.scalar_argument("a1", float32_type());
  const Expr a2 = k.scalar_argument("a2", float32_type());
  const Expr a3 = k.scalar_argument("a3", float32_type());
  const Expr a4 = k.scalar_argument("a4", float32_type());
  const Expr b1 = k.scalar_argument("b1", float32_type());
  const Expr b2 = k.scalar_argument("b2", float32_type());
  const Expr c1 = k.scalar_argument("c1", float32_type());
  ArrayHandle image = k.input("image", float32_type(), {w, h});
  ArrayHandle result = k.output("result", float32_type(), {w, h});
  ArrayHandle y1 = k.output("y1", float32_type(), {w, h});
  ArrayHandle y2 = k.output("y2", float32_type(), {w, h});
  // What the filter remembers: the last one or two values of input (x) and output (y).
  Element xm1 = k.scalar("xm1", float32_type());
  Element ym1 = k.scalar("ym1", float32_type());
  Element ym2 = k.scalar("ym2", float32_type());
  Element xp1 = k.scalar("xp1", float32_type());
  Element xp2 = k.scalar("xp2", float32_type());
  Element yp1 = k.scalar("yp1", float32_type());
  Element yp2 = k.scalar("yp2", float32_type());

  // Both directions take the same two steps, from `in` to y1 and y2.
  const auto forward = [&](const Expr& in, Element y) {
    y = a1 * in + a2 * xm1 + b1 * ym1 + b2 * ym2;
    xm1 = in;
    ym2 = ym1;
    ym1 = y;
  };
  const auto backward = [&](const Expr& in, Element y) {
    y = a3 * xp1 + a4 * xp2 + b1 * yp1 + b2 * yp2;
    xp2 = xp1;
    xp1 = in;
    yp2 = yp1;
    yp1 = y;
  };
  const auto clear = [](std::initializer_list<Element*> memory) {
    for (Element* value : memory) *value = 0.0;
  };
  const auto add = [&] {
    k.loop("i", 0, w, [&](Expr i) {
      k.loop("j", 0, h, [&](Expr j) { result(i, j) = c1 * (y1(i, j) + y2(i, j)); });
    });
  };

  k.loop("i", 0, w, [&](Expr i) {
    clear({&ym1, &ym2, &xm1});
    k.loop("j", 0, h, [&](Expr j) { forward(image(i, j), y1(i, j)); });
  });
  k.loop("i", 0, w, [&](Expr i) {
    clear({&yp1, &yp2, &xp1, &xp2});
    k.loop("back", 0, h, [&](Expr back) {
      const Expr j = h - 1 - back;
      backward(image(i, j), y2(i, j));
    });
  });
  add();
  k.loop("j", 0, h, [&](Expr j) {
    clear({&xm1, &ym1, &ym2});
    k.loop("i", 0, w, [&](Expr i) { forward(result(i, j), y1(i, j)); });
  });
  k.loop("j", 0, h, [&](Expr j) {
    clear({&xp1, &xp2, &yp1, &yp2});
    k.loop("back", 0, w, [&](Expr back) {
      const Expr i = w - 1 - back;
      backward(result(i, j), y2(i, j));
    });
  });
  add();
  return k.build();
}

void deriche_plain(Operands& x) {
  const int w = x.size("w");
  const int h = x.size("h");
  const float a1 = x.real("a1");
  const float a2 = x.real("a2");
  const float a3 = x.real("a3");
  const float a4 = x.real("a4");
  const float b1 = x.real("b1");
  const float b2 = x.real("b2");
  const float c1 = x.real("c1");
  const auto image = x.grid<float>("image");
  const auto result = x.grid<float>("result");
  const auto y1 = x.grid<float>("y1");
  const auto y2 = x.grid<float>("y2");

  for (int i = 0; i < w; ++i) {
    float xm1 = 0;
    float ym1 = 0;
    float ym2 = 0;
    for (int j = 0; j < h; ++j) {
      y1(i, j) = a1 * image(i, j) + a2 * xm1 + b1 * ym1 + b2 * ym2;
      xm1 = image(i, j);
      ym2 = ym1;
      ym1 = y1(i, j);
    }
  }
  for (int i = 0; i < w; ++i) {
    float xp1 = 0;
    float xp2 = 0;
    float yp1 = 0;
    float yp2 = 0;
    for (int j = h - 1; j >= 0; --j) {
      y2(i, j) = a3 * xp1 + a4 * xp2 + b1 * yp1 + b2 * yp2;
      xp2 = xp1;
      xp1 = image(i, j);
      yp2 = yp1;
      yp1 = y2(i, j);
    }
  }
  for (int i = 0; i < w; ++i) {
    for (int j = 0; j < h; ++j) result(i, j) = c1 * (y1(i, j) + y2(i, j));
  }
  for (int j = 0; j < h; ++j) {
    float xm1 = 0;
    float ym1 = 0;
    float ym2 = 0;
    for (int i = 0; i < w; ++i) {
      y1(i, j) = a1 * result(i, j) + a2 * xm1 + b1 * ym1 + b2 * ym2;
      xm1 = result(i, j);
      ym2 = ym1;
      ym1 = y1(i, j);
    }
  }
  for (int j = 0; j < h; ++j) {
    float xp1 = 0;
    float xp2 = 0;
    float yp1 = 0;
    float yp2 = 0;
    for (int i = w - 1; i >= 0; --i) {
      y2(i, j) = a3 * xp1 + a4 * xp2 + b1 * yp1 + b2 * yp2;
      xp2 = xp1;
      xp1 = result(i, j);
      yp2 = yp1;
      yp1 = y2(i, j);
    }
  }
  for (int i = 0; i < w; ++i) {
    for (int j = 0; j < h; ++j) result(i, j) = c1 * (y1(i, j) + y2(i, j));
  }
}

std::map<std::string, double> deriche_scalars(int w, int h, double alpha) {
  const double once = std::exp(-alpha);
  const double twice = std::exp(-2 * alpha);
  const double gain = (1 - once) * (1 - once) / (1 + 2 * alpha * once - std::exp(2 * alpha));
  return {{"w", w},
          {"h", h},
          {"a1", gain},
          {"a2", gain * once * (alpha - 1)},
          {"a3", gain * once * (alpha + 1)},
          {"a4", -gain * twice},
          {"b1", std::pow(2, -alpha)},
          {"b2", -twice},
          {"c1", 1}};
}

// floyd-warshall: the shortest way between every two nodes

KernelPtr floyd_warshall_kernel() {
  KernelBuilder k("floyd_warshall", "the shortest way between every two nodes of a graph");
  const Expr n = k.size("n");
  ArrayHandle path = k.inout("path", int_type(32), {n, n});

  k.loop("k", 0, n, [&](Expr via) {
    k.loop("i", 0, n, [&](Expr i) {
      k.loop("j", 0, n, [&](Expr j) {
        const Expr detour = path(i, via) + path(via, j);
        path(i, j) = select(path(i, j) < detour, path(i, j), detour);
      });
    });
  });
  return k.build();
}

void floyd_warshall_plain(Operands& x) {
  const int n = x.size("n");
  const auto path = x.grid<std::int32_t>("path");

  for (int via = 0; via < n; ++via) {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        const std::int32_t detour = path(i, via) + path(via, j);
        path(i, j) = path(i, j) < detour ? path(i, j) : detour;
      }
    }
  }
}

// nussinov: the most pairs that a strand of RNA can form; bases 0...3 pair if they add up to 3

KernelPtr nussinov_kernel() {
  KernelBuilder k("nussinov", "the most base pairs in every section of a strand");
  const Expr n = k.size("n");
  ArrayHandle seq = k.input("seq", uint_type(2), {n});
  ArrayHandle table = k.inout("table", int_type(32), {n, n});

  k.loop("back", 0, n, [&](Expr back) {
    const Expr i = n - 1 - back;
    k.loop("j", i + 1, n, [&](Expr j) {
      k.when(j - 1 >= 0, [&] { table(i, j).reduce_max(table(i, j - 1)); });
      k.when(i + 1 < n, [&] { table(i, j).reduce_max(table(i + 1, j)); });
      k.when(j - 1 >= 0 && i + 1 < n, [&] {
        k.when(
            i < j - 1,
            [&] {
              const Expr pair = select(seq(i) + seq(j) == 3, 1, 0);
              table(i, j).reduce_max(table(i + 1, j - 1) + pair);
            },
            [&] { table(i, j).reduce_max(table(i + 1, j - 1)); });  // neighbours do not pair
      });
      k.loop("k", i + 1, j,
             [&](Expr cut) { table(i, j).reduce_max(table(i, cut) + table(cut + 1, j)); });
    });
  });
  return k.build();
}

void nussinov_plain(Operands& x) {
  const int n = x.size("n");
  const auto seq = x.grid<std::uint8_t>("seq");
  const auto table = x.grid<std::int32_t>("table");
  const auto raise = [](std::int32_t& value, std::int32_t to) { value = std::max(value, to); };

  for (int i = n - 1; i >= 0; --i) {
    for (int j = i + 1; j < n; ++j) {
      if (j - 1 >= 0) raise(table(i, j), table(i, j - 1));
      if (i + 1 < n) raise(table(i, j), table(i + 1, j));
      if (j - 1 >= 0 && i + 1 < n) {
        const bool pairs = i < j - 1 && seq(i) + seq(j) == 3;
        raise(table(i, j), table(i + 1, j - 1) + (pairs ? 1 : 0));
      }
      for (int cut = i + 1; cut < j; ++cut) raise(table(i, j), table(i, cut) + table(cut + 1, j));
    }
  }
}

}  // namespace

std::vector<Workload> polybench_medley(Size size) {
  const int m = scaled(size, 11);
  const int n = scaled(size, 14);
  const auto way_lengths = [](Operands& x) { randomise(x.buffer("path"), 1, 999, 7); };
  const auto empty_table = [](Operands& x) { randomise(x.buffer("table"), 0, 0, 7); };
  return {
      make_workload("deriche", deriche_kernel(), deriche_scalars(m, n, 0.25), deriche_plain),
      make_workload("floyd-warshall", floyd_warshall_kernel(), {{"n", n}}, floyd_warshall_plain,
                    way_lengths),
      make_workload("nussinov", nussinov_kernel(), {{"n", 2 * n}}, nussinov_plain, empty_table),
  };
}

}  // namespace heddle::kernel
