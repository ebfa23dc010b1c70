// Neighbours: on a grid (stencils), in a list (molecular dynamics), in a graph (search).
#include "kernel/builder.h"
#include "kernel/machsuite/machsuite.h"

#include <algorithm>

namespace heddle::kernel {
namespace {

// stencil2d: a 3 x 3 filter

KernelPtr stencil2d_kernel() {
  KernelBuilder k("stencil2d", "a 3 x 3 filter over an image");
  const Expr rows = k.size("rows");
  const Expr columns = k.size("columns");
  ArrayHandle orig = k.input("orig", int_type(32), {rows, columns});
  ArrayHandle sol = k.output("sol", int_type(32), {rows - 2, columns - 2});
  ArrayHandle filter = k.input("filter", int_type(32), {9});

  k.loop("r", 0, rows - 2, [&](Expr r) {
    k.loop("c", 0, columns - 2, [&](Expr c) {
      Element sum = k.scalar("sum", int_type(32));
      sum = 0;
      k.loop("k1", 0, 3, [&](Expr k1) {
        k.loop("k2", 0, 3, [&](Expr k2) { sum += filter(k1 * 3 + k2) * orig(r + k1, c + k2); });
      });
      sol(r, c) = sum;
    });
  });
  return k.build();
}

void stencil2d_plain(Operands& x) {
  const auto orig = x.grid<std::int32_t>("orig");
  const auto sol = x.grid<std::int32_t>("sol");
  const auto filter = x.grid<std::int32_t>("filter");

  for (int r = 0; r < x.size("rows") - 2; ++r) {
    for (int c = 0; c < x.size("columns") - 2; ++c) {
      std::int32_t sum = 0;
      for (int k1 = 0; k1 < 3; ++k1) {
        for (int k2 = 0; k2 < 3; ++k2) sum += filter(k1 * 3 + k2) * orig(r + k1, c + k2);
      }
      sol(r, c) = sum;
    }
  }
}

// stencil3d: every inner point from itself and its six neighbours; the faces are copied

KernelPtr stencil3d_kernel(int height, int columns, int rows) {
  KernelBuilder k("stencil3d", "a seven-point stencil in three dimensions");
  ArrayHandle weights = k.input("weights", int_type(32), {2});
  ArrayHandle orig = k.input("orig", int_type(32), {height, columns, rows});
  ArrayHandle sol = k.output("sol", int_type(32), {height, columns, rows});

  k.loop("j", 0, columns, [&](Expr j) {
    k.loop("k", 0, rows, [&](Expr l) {
      sol(0, j, l) = orig(0, j, l);
      sol(height - 1, j, l) = orig(height - 1, j, l);
    });
  });
  k.loop("i", 1, height - 1, [&](Expr i) {
    k.loop("k", 0, rows, [&](Expr l) {
      sol(i, 0, l) = orig(i, 0, l);
      sol(i, columns - 1, l) = orig(i, columns - 1, l);
    });
  });
  k.loop("i", 1, height - 1, [&](Expr i) {
    k.loop("j", 1, columns - 1, [&](Expr j) {
      sol(i, j, 0) = orig(i, j, 0);
      sol(i, j, rows - 1) = orig(i, j, rows - 1);
    });
  });
  k.loop("i", 1, height - 1, [&](Expr i) {
    k.loop("j", 1, columns - 1, [&](Expr j) {
      k.loop("k", 1, rows - 1, [&](Expr l) {
        const Expr around = orig(i + 1, j, l) + orig(i - 1, j, l) + orig(i, j + 1, l) +
                            orig(i, j - 1, l) + orig(i, j, l + 1) + orig(i, j, l - 1);
        sol(i, j, l) = orig(i, j, l) * weights(0) + around * weights(1);
      });
    });
  });
  return k.build();
}

void stencil3d_plain(Operands& x) {
  const auto weights = x.grid<std::int32_t>("weights");
  const auto orig = x.grid<std::int32_t>("orig");
  const auto sol = x.grid<std::int32_t>("sol");
  const int height = orig.extent(0);
  const int columns = orig.extent(1);
  const int rows = orig.extent(2);

  for (int j = 0; j < columns; ++j) {
    for (int l = 0; l < rows; ++l) {
      sol(0, j, l) = orig(0, j, l);
      sol(height - 1, j, l) = orig(height - 1, j, l);
    }
  }
  for (int i = 1; i < height - 1; ++i) {
    for (int l = 0; l < rows; ++l) {
      sol(i, 0, l) = orig(i, 0, l);
      sol(i, columns - 1, l) = orig(i, columns - 1, l);
    }
  }
  for (int i = 1; i < height - 1; ++i) {
    for (int j = 1; j < columns - 1; ++j) {
      sol(i, j, 0) = orig(i, j, 0);
      sol(i, j, rows - 1) = orig(i, j, rows - 1);
    }
  }
  for (int i = 1; i < height - 1; ++i) {
    for (int j = 1; j < columns - 1; ++j) {
      for (int l = 1; l < rows - 1; ++l) {
        const std::int32_t around = orig(i + 1, j, l) + orig(i - 1, j, l) + orig(i, j + 1, l) +
                                    orig(i, j - 1, l) + orig(i, j, l + 1) + orig(i, j, l - 1);
        sol(i, j, l) = orig(i, j, l) * weights(0) + around * weights(1);
      }
    }
  }
}

// md/knn: the Lennard-Jones force on every atom from the atoms in its list

KernelPtr md_knn_kernel(int near) {
  KernelBuilder k("md_knn", "the force on every atom from its nearest neighbours");
  const Expr atoms = k.size("atoms");
  ArrayHandle force_x = k.output("force_x", float32_type(), {atoms});
  ArrayHandle force_y = k.output("force_y", float32_type(), {atoms});
  ArrayHandle force_z = k.output("force_z", float32_type(), {atoms});
  ArrayHandle position_x = k.input("position_x", float32_type(), {atoms});
  ArrayHandle position_y = k.input("position_y", float32_type(), {atoms});
  ArrayHandle position_z = k.input("position_z", float32_type(), {atoms});
  ArrayHandle neighbours = k.input("neighbours", int_type(32), {atoms, near});

  k.loop("i", 0, atoms, [&](Expr i) {
    Element fx = k.scalar("fx", float32_type());
    Element fy = k.scalar("fy", float32_type());
    Element fz = k.scalar("fz", float32_type());
    fx = 0.0;
    fy = 0.0;
    fz = 0.0;
    k.loop("j", 0, near, [&](Expr j) {
      const Expr other = neighbours(i, j);
      Element dx = k.scalar("dx", float32_type());
      Element dy = k.scalar("dy", float32_type());
      Element dz = k.scalar("dz", float32_type());
      Element r2inv = k.scalar("r2inv", float32_type());
      Element r6inv = k.scalar("r6inv", float32_type());
      Element force = k.scalar("force", float32_type());
      dx = position_x(i) - position_x(other);
      dy = position_y(i) - position_y(other);
      dz = position_z(i) - position_z(other);
      r2inv = 1.0 / (dx * dx + dy * dy + dz * dz);
      r6inv = r2inv * r2inv * r2inv;
      force = r2inv * (r6inv * (1.5 * r6inv - 2.0));
      fx += dx * force;
      fy += dy * force;
      fz += dz * force;
    });
    force_x(i) = fx;
    force_y(i) = fy;
    force_z(i) = fz;
  });
  return k.build();
}

void md_knn_plain(Operands& o) {
  const auto force_x = o.grid<float>("force_x");
  const auto force_y = o.grid<float>("force_y");
  const auto force_z = o.grid<float>("force_z");
  const auto position_x = o.grid<float>("position_x");
  const auto position_y = o.grid<float>("position_y");
  const auto position_z = o.grid<float>("position_z");
  const auto neighbours = o.grid<std::int32_t>("neighbours");

  for (int i = 0; i < o.size("atoms"); ++i) {
    float fx = 0;
    float fy = 0;
    float fz = 0;
    for (int j = 0; j < neighbours.extent(1); ++j) {
      const int other = neighbours(i, j);
      const float dx = position_x(i) - position_x(other);
      const float dy = position_y(i) - position_y(other);
      const float dz = position_z(i) - position_z(other);
      const float r2inv = 1 / (dx * dx + dy * dy + dz * dz);
      const float r6inv = r2inv * r2inv * r2inv;
      const float force = r2inv * (r6inv * (1.5F * r6inv - 2));
      fx += dx * force;
      fy += dy * force;
      fz += dz * force;
    }
    force_x(i) = fx;
    force_y(i) = fy;
    force_z(i) = fz;
  }
}

/// Atoms on a line, jittered so that no two meet; the neighbours are those that stand next.
void atoms_apart(Operands& o) {
  const auto position = o.grid<float>("position_x");
  const auto neighbours = o.grid<std::int32_t>("neighbours");
  const int atoms = position.extent(0);
  for (int i = 0; i < atoms; ++i) {
    position(i) = static_cast<float>(i) + 0.25F * position(i);
    for (int j = 0; j < neighbours.extent(1); ++j) neighbours(i, j) = (i + 1 + j) % atoms;
  }
}

// bfs/bulk: the distance of every node from the first, by sweeps over all nodes

constexpr int kLevels = 20;  // more than the graphs below need, so that the search ends by itself
constexpr int kUnreached = 127;

KernelPtr bfs_bulk_kernel() {
  KernelBuilder k("bfs_bulk", "how many steps every node of a graph is from the start");
  const Expr nodes = k.size("nodes");
  const Expr edges = k.size("edges");
  const Expr start = k.size("start");
  ArrayHandle edge_begin = k.input("edge_begin", uint_type(32), {nodes});
  ArrayHandle edge_end = k.input("edge_end", uint_type(32), {nodes});
  ArrayHandle target = k.input("target", uint_type(32), {edges});
  ArrayHandle level = k.inout("level", int_type(8), {nodes});
  ArrayHandle level_counts = k.output("level_counts", uint_type(32), {kLevels + 1});
  Element grows = k.scalar("grows", bool_type());
  Element count = k.scalar("count", uint_type(32));

  k.loop("horizon", 0, kLevels + 1, [&](Expr horizon) { level_counts(horizon) = 0; });
  level(start) = 0;
  level_counts(0) = 1;
  grows = constant(bool_type(), Int128{1});
  k.loop("horizon", 0, kLevels, [&](Expr horizon) {
    k.when(grows, [&] {
      count = 0;
      k.loop("n", 0, nodes, [&](Expr n) {
        k.when(level(n) == horizon, [&] {
          k.loop("e", edge_begin(n), edge_end(n), [&](Expr e) {
            k.when(level(target(e)) == kUnreached, [&] {
              level(target(e)) = cast(int_type(8), horizon + 1);
              count += 1;
            });
          });
        });
      });
      level_counts(horizon + 1) = count;
      grows = count != 0;
    });
  });
  return k.build();
}

void bfs_bulk_plain(Operands& x) {
  const auto edge_begin = x.grid<std::uint32_t>("edge_begin");
  const auto edge_end = x.grid<std::uint32_t>("edge_end");
  const auto target = x.grid<std::uint32_t>("target");
  const auto level = x.grid<std::int8_t>("level");
  const auto level_counts = x.grid<std::uint32_t>("level_counts");

  for (int horizon = 0; horizon <= kLevels; ++horizon) level_counts(horizon) = 0;
  level(x.size("start")) = 0;
  level_counts(0) = 1;
  for (int horizon = 0; horizon < kLevels; ++horizon) {
    std::uint32_t count = 0;
    for (int n = 0; n < x.size("nodes"); ++n) {
      if (level(n) != horizon) continue;
      for (std::uint32_t e = edge_begin(n); e < edge_end(n); ++e) {
        if (level(target(e)) != kUnreached) continue;
        level(target(e)) = static_cast<std::int8_t>(horizon + 1);
        ++count;
      }
    }
    level_counts(horizon + 1) = count;
    if (count == 0) break;
  }
}

/// Every node has 0 to 4 edges to random nodes.
void random_graph(Operands& x) {
  const auto edge_begin = x.grid<std::uint32_t>("edge_begin");
  const auto edge_end = x.grid<std::uint32_t>("edge_end");
  const auto edges = static_cast<std::uint32_t>(x.size("edges"));
  std::uint32_t next = 0;
  for (int n = 0; n < x.size("nodes"); ++n) {
    edge_begin(n) = next;
    next = std::min(edges, next + static_cast<std::uint32_t>(n % 5));
    edge_end(n) = next;
  }
  randomise(x.buffer("target"), 0, x.size("nodes") - 1, 11);
  randomise(x.buffer("level"), kUnreached, kUnreached, 11);
}

}  // namespace

std::vector<Workload> machsuite_neighbours(Size size) {
  const int l = scaled(size, 8);
  const int m = scaled(size, 11);
  const int n = scaled(size, 18);
  const int nodes = scaled(size, 64);
  return {
      make_workload("stencil2d", stencil2d_kernel(), {{"rows", n}, {"columns", m}},
                    stencil2d_plain),
      make_workload("stencil3d", stencil3d_kernel(l, m, l), {}, stencil3d_plain),
      make_workload("md/knn", md_knn_kernel(8), {{"atoms", 2 * n}}, md_knn_plain, atoms_apart),
      make_workload("bfs/bulk", bfs_bulk_kernel(),
                    {{"nodes", nodes}, {"edges", 2 * nodes}, {"start", 3}}, bfs_bulk_plain,
                    random_graph),
  };
}

}  // namespace heddle::kernel
