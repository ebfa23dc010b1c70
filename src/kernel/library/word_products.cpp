#include "kernel/library/word_products.h"

#include <algorithm>
#include <set>

#include "kernel/rewrite.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {
namespace {

/// The dimension of a loaded array along which a loop runs.
struct Along {
  std::string array;
  std::size_t dimension = 0;
};

bool is_argument(const Kernel& kernel, const std::string& array) {
  return std::ranges::any_of(kernel.parameters,
                             [&](const Parameter& p) { return name_of(p) == array; });
}

/// The name of a kernel that is called; empty if none is.
std::string called(const Kernel& kernel) {
  std::string name;
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (const auto* call = as<Call>(stmt)) name = call->callee->name;
  });
  return name;
}

/// Where a loop runs in the factors of the sum that is all of its body; none for another loop.
std::vector<Along> factors_along(const For& loop) {
  Stmt body = loop.body;
  while (const auto* block = as<Block>(body)) {
    if (block->body.size() != 1) return {};
    body = block->body.front();
  }
  const auto* sum = as<Store>(body);
  if (sum == nullptr || sum->reduce != ReduceOp::kAdd) return {};
  const auto* product = sum->value.as<Binary>();
  if (product == nullptr || product->op != BinaryOp::kMul) return {};
  std::vector<Along> result;
  for (const Expr& factor : {product->a, product->b}) {
    const auto* load = factor.as<Load>();
    if (load == nullptr || factor.type().width != 8) return {};
    for (std::size_t d = 0; d < load->indices.size(); ++d) {
      if (mentions(load->indices[d], loop.name)) result.push_back({load->array, d});
    }
  }
  return result;
}

}  // namespace

Schedule products_in_words(const KernelPtr& kernel, std::int64_t width) {
  Schedule s(kernel);
  for (std::string name = called(*s.kernel()); !name.empty(); name = called(*s.kernel())) {
    s.inline_call(name);
  }
  std::vector<std::pair<std::string, std::vector<Along>>> loops;
  for_each(s.kernel()->body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr || trip_count(*loop).value_or(1) % width != 0) return;
    std::vector<Along> along = factors_along(*loop);
    if (along.size() == 2) loops.emplace_back(loop->name, std::move(along));
  });
  std::set<std::string> prepared;
  for (const auto& [name, along] : loops) {
    const bool in_words = std::ranges::all_of(along, [&](const Along& a) {
      return !is_argument(*s.kernel(), a.array) ||
             a.dimension + 1 == find_array(*s.kernel(), a.array)->shape.size();
    });
    if (!in_words) continue;
    s.unroll(s.split(name, width).second);
    for (const Along& a : along) {
      if (!prepared.insert(a.array).second) continue;
      if (is_argument(*s.kernel(), a.array)) {
        s.pack(a.array, width);
      } else {
        s.partition(a.array, static_cast<int>(a.dimension), {Partition::Kind::kCyclic, width});
      }
    }
  }
  return s;
}

}  // namespace heddle::kernel
