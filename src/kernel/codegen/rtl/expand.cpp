#include "kernel/codegen/rtl/expand.h"

#include <fmt/core.h>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/affine.h"
#include "kernel/schedule/calls.h"

namespace heddle::kernel::rtl {
namespace {

class Expander {
 public:
  explicit Expander(std::set<std::string> names) : taken_(std::move(names)) {}

  Stmt run(const Stmt& stmt, bool in_pipeline) {
    if (const auto* loop = as<For>(stmt)) return loop_copies(*loop, in_pipeline);
    if (const auto* branch = as<If>(stmt)) {
      const Stmt otherwise = branch->otherwise ? run(branch->otherwise, in_pipeline) : nullptr;
      return make_stmt(If{branch->condition, run(branch->then, in_pipeline), otherwise});
    }
    if (const auto* body = as<Block>(stmt)) {
      std::vector<Stmt> parts;
      parts.reserve(body->body.size());
      for (const Stmt& inner : body->body) parts.push_back(run(inner, in_pipeline));
      return block(std::move(parts));
    }
    constexpr int kMostStatements = 20'000;
    if (++statements_ > kMostStatements) {
      throw UserError(
          "unrolled loops make more statements than RTL can be made of",
          fmt::format("unroll less: at most {} statements are expanded", kMostStatements));
    }
    return stmt;
  }

 private:
  Stmt loop_copies(const For& loop, bool in_pipeline) {
    const std::optional<std::int64_t> trips = literal_trips(loop);
    if (!trips || (!loop.marks.unroll && !in_pipeline)) {
      For kept = loop;
      kept.body = run(loop.body, in_pipeline || loop.marks.pipeline.has_value());
      return make_stmt(std::move(kept));
    }
    std::vector<Stmt> copies;
    for (std::int64_t i = 0; i < *trips; ++i) {
      const Stmt copy = replace_counter(loop.body, loop.name, loop.lower + i, {});
      copies.push_back(run(i == 0 ? copy : with_fresh_loops(copy), in_pipeline));
    }
    return block(std::move(copies));
  }

  /// A name means one loop.
  Stmt with_fresh_loops(const Stmt& copy) {
    std::map<std::string, std::string> names;
    for_each(copy, [&](const Stmt& stmt) {
      if (const auto* loop = as<For>(stmt)) names[loop->name] = fresh_name(loop->name, taken_);
    });
    return rename(copy, names);
  }

  std::set<std::string> taken_;
  int statements_ = 0;
};

const Call* first_call(const Kernel& kernel) {
  const Call* found = nullptr;
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (found == nullptr) found = as<Call>(stmt);
  });
  return found;
}

}  // namespace

Kernel expand(const Kernel& kernel) {
  Kernel flat = kernel;
  while (const Call* call = first_call(flat)) flat = inline_call(flat, call->callee->name);
  flat.body = Expander(names_in(flat)).run(flat.body, false);
  return flat;
}

}  // namespace heddle::kernel::rtl
