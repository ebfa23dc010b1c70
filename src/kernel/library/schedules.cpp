#include "kernel/library/schedules.h"

#include <array>
#include <functional>
#include <numeric>
#include <set>

#include "base/error.h"
#include "kernel/library/common.h"
#include "kernel/library/tiles.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {
namespace {

enum class Level : std::uint8_t { kLibrary, kOptimised };

/// Rows of register tiles; the sums of the largest fill three quarters of the registers.
constexpr std::array<std::int64_t, 4> kRows = {8, 4, 2, 1};
constexpr std::array<std::int64_t, 3> kColumns = {48, 32, 16};

std::optional<std::int64_t> literal(const Expr& e) {
  const Int128* value = as_integer(e);
  return value == nullptr ? std::nullopt : std::optional(static_cast<std::int64_t>(*value));
}

/// A matrix product as linear and gemm write it: for i, j { y = ...; for k: y += ... }.
struct Product {
  Type x;
  Type weight;
  std::string weight_name;
  bool weight_by_rows = false;  ///< weight[columns, inner] rather than [inner, columns]
  std::int64_t columns = 0;
  std::int64_t inner = 0;

  [[nodiscard]] bool is_int8() const { return x == int_type(8) && weight == int_type(8); }
  [[nodiscard]] bool is_float() const { return x == float32_type() && weight == float32_type(); }
};

/// The product that a kernel is, if its loops over columns and sums run to literal extents.
std::optional<Product> product_of(const Kernel& kernel) {
  const bool is_linear = find_array(kernel, "weight") != nullptr;
  const Array* x = find_array(kernel, is_linear ? "x" : "a");
  const Array* weight = find_array(kernel, is_linear ? "weight" : "b");
  const std::set<std::string> names = names_in(kernel);
  if (x == nullptr || weight == nullptr || weight->shape.size() != 2 || x->shape.size() != 2 ||
      !names.contains("i") || !names.contains("j") || !names.contains("k")) {
    return std::nullopt;
  }
  for (const char* loop : {"j", "k"}) {
    if (!trip_count(*as<For>(find_loop(kernel, loop).statement))) return std::nullopt;
  }
  const std::optional<std::int64_t> first = literal(weight->shape[0]);
  const std::optional<std::int64_t> second = literal(weight->shape[1]);
  if (!first || !second) return std::nullopt;
  return Product{x->element,
                 weight->element,
                 weight->name,
                 is_linear,
                 is_linear ? *first : *second,
                 is_linear ? *second : *first};
}

std::int64_t tile_columns(std::int64_t columns) {
  for (const std::int64_t width : kColumns) {
    if (columns % width == 0) return width;
  }
  return columns > kColumns.front() ? kColumns.front() : kColumns.back();
}

/// Rows in tiles of kRows.front(); what is left over in smaller ones. `sums` and `inside` are the
/// loops within.
void tile_rows(Schedule& s, std::string rows, std::string sums, std::vector<std::string> inside,
               const std::function<KernelPtr(std::int64_t)>& instruction) {
  for (const std::int64_t count : kRows) {
    const auto trips = trip_count(*as<For>(find_loop(*s.kernel(), rows).statement));
    const bool is_all = count == kRows.back() || (trips && *trips % count == 0);
    std::set<std::string> taken = names_in(*s.kernel());
    if (!is_all) s.peel(rows, count);
    const auto [outer, inner] = s.split(rows, count);
    std::vector<std::string> order = {outer, sums, inner};
    order.insert(order.end(), inside.begin(), inside.end());
    s.reorder(order);
    s.replace(sums, instruction(count));
    if (is_all) return;
    // The loops that are left over are copies: each has the first name that was free.
    rows = fresh_name(rows.append("_rest"), taken);
    sums = fresh_name(sums, taken);
    for (std::string& name : inside) name = fresh_name(name, taken);
  }
}

/// Columns in tiles whose weights are copied so that neighbouring columns lie side by side; then,
/// for kOptimised, rows in register tiles.
void tile_product(Schedule& s, const Product& product, Level level) {
  const std::int64_t width = tile_columns(product.columns);
  const bool is_dot = product.is_int8() && product.inner % 4 == 0 && level == Level::kOptimised;
  // Weights of one element a column lie side by side as they are.
  const bool is_flat = product.weight_by_rows && product.inner == 1;
  if (product.columns < width || is_flat) return;
  std::string j = s.fission("j", "k");
  const std::string i = s.fission("i", j);
  if (product.columns % width != 0) {
    s.peel(j, width);
    s.fission(i, j + "_rest");
  }
  const auto [j_o, j_i] = s.split(j, width);
  std::string k = "k";
  std::vector<std::string> inside = {j_i};
  if (is_dot) {
    const auto [k_o, k_i] = s.split(k, 4);
    k = k_o;
    inside.push_back(k_i);
  }
  std::vector<std::string> order = {j_o, i, k};
  order.insert(order.end(), inside.begin(), inside.end());
  s.reorder(order);
  if (product.weight_by_rows || is_dot) {
    const std::string tile = s.stage(product.weight_name, j_o);
    const std::string by_row = product.weight_name + "_load_r";
    const std::string by_column = product.weight_name + "_load_c";
    // The copy writes the tile in the order of its memory.
    if (is_dot && product.weight_by_rows) {
      s.reshape(tile, {width, product.inner / 4, 4});
      s.transpose(tile, {1, 0, 2});
      const auto [four, one] = s.split(by_column, 4);
      s.reorder({four, by_row, one});
    } else if (is_dot) {
      s.reshape(tile, {product.inner / 4, 4, width});
      s.transpose(tile, {0, 2, 1});
      const auto [four, one] = s.split(by_row, 4);
      s.reorder({four, by_column, one});
    } else {
      s.transpose(tile, {1, 0});
      // A few cache lines of each row at a time: read in order, written while they are near.
      const std::int64_t lines = std::gcd(product.inner, std::int64_t{128});
      const auto [block, element] = s.split(by_column, lines);
      s.reorder({block, by_row, element});
    }
  }
  if (level != Level::kOptimised) return;
  const bool has_instruction = is_dot || product.is_float();
  if (has_instruction) {
    const auto instruction = [&](std::int64_t rows) {
      return is_dot ? dot_tile_s8(rows, width) : mac_tile_f32(rows, width);
    };
    tile_rows(s, i, k, inside, instruction);
  }
  s.parallel(j_o);
}

/// Calls by name, each once, in the order of the text.
std::vector<KernelPtr> callees_of(const Kernel& kernel) {
  std::vector<KernelPtr> list;
  std::set<std::string> seen;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* call = as<Call>(stmt);
    if (call != nullptr && !call->callee->intrinsic && seen.insert(call->callee->name).second) {
      list.push_back(call->callee);
    }
  });
  return list;
}

bool is_softmax(const Kernel& kernel) {
  const std::set<std::string> names = names_in(kernel);
  return names.contains("largest") && names.contains("e") && names.contains("sum");
}

void schedule_kernel(Schedule& s, Level level) {
  for (const KernelPtr& callee : callees_of(*s.kernel())) {
    Schedule inner(callee);
    schedule_kernel(inner, level);
    if (!inner.steps().empty()) s.compose(inner);
  }
  if (const std::optional<Product> product = product_of(*s.kernel())) {
    tile_product(s, *product, level);
  } else if (is_softmax(*s.kernel())) {
    // exp alone runs on vectors; the sum keeps its order.
    s.fission("e", "sum");
    if (level == Level::kOptimised) s.parallel("i");
  }
}

LibrarySchedule at_level(const std::string& name, const std::string& summary, Level level) {
  return {name, summary, [level](const KernelPtr& kernel, const LibraryArguments&) {
            Schedule s(kernel);
            schedule_kernel(s, level);
            return s;
          }};
}

}  // namespace

std::vector<LibrarySchedule> all_schedules() {
  return {base_schedule(),
          at_level("library", "loops tiled and reordered, weights copied tile by tile",
                   Level::kLibrary),
          at_level("optimised", "register tiles by instructions, columns and rows on threads",
                   Level::kOptimised)};
}

}  // namespace heddle::kernel
