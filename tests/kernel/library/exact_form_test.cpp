// What docs/arithmetic.md promises of the kernels' form: integers alone, small products, few
// divisions.
#include <set>

#include "kernel/library/exact_checks.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

/// With the sizes of real models, as the widths of sums follow from them.
std::vector<KernelPtr> exact_kernels() {
  return {made("mlp_exact", {{"hidden", "768"}, {"inner", "3072"}}),
          made("attention_exact",
               {{"tokens", "1024"}, {"hidden", "768"}, {"heads", "12"}, {"head_dim", "64"}}),
          made("norm_exact", {{"columns", "768"}}),
          made("moe_exact",
               {{"tokens", "128"}, {"hidden", "768"}, {"inner", "3072"}, {"experts", "8"}})};
}

using Visit = std::function<void(const Expr&)>;

/// Calls `visit` for everything inside of an expression and of the Functions that it applies.
void for_each_inside(const Expr& outer, const Visit& visit) {
  for_each(outer, [&](const Expr& e) {
    visit(e);
    const auto* apply = e.as<Apply>();
    if (apply == nullptr) return;
    for (const Function::Binding& binding : apply->function->bindings) {
      for_each_inside(binding.value, visit);
    }
    for_each_inside(apply->function->result, visit);
  });
}

/// The same for a statement and the kernels that it calls; `loops` stand around it in its kernel.
void for_each_inside(const Stmt& stmt, int loops,
                     const std::function<void(const Expr&, int)>& visit) {
  if (const auto* call = as<Call>(stmt)) for_each_inside(call->callee->body, 0, visit);
  for (const Expr& e : own_expressions(stmt)) {
    for_each_inside(e, [&](const Expr& inner) { visit(inner, loops); });
  }
  const int more = as<For>(stmt) == nullptr ? 0 : 1;
  for (const Stmt& child : children(stmt)) for_each_inside(child, loops + more, visit);
}

bool is_operator(const Expr& e, BinaryOp op) {
  const auto* binary = e.as<Binary>();
  return binary != nullptr && binary->op == op && !e.type().is_index();
}

int signed_width(const Expr& e) {
  return e.type().width + (e.type().is_signed ? 0 : 1);
}

TEST(ExactKernels, AreIntegerThroughout) {
  std::size_t count = 0;
  for (const KernelPtr& kernel : exact_kernels()) {
    for_each_inside(kernel->body, 0, [&](const Expr& e, int) {
      ASSERT_FALSE(e.type().is_float()) << kernel->name << ": " << to_string(e);
      ++count;
    });
  }
  EXPECT_GT(count, 1000);
}

TEST(ExactKernels, HaveNoWideProductOfAnElement) {
  std::size_t count = 0;
  for (const KernelPtr& kernel : exact_kernels()) {
    for_each_inside(kernel->body, 0, [&](const Expr& e, int loops) {
      if (!is_operator(e, BinaryOp::kMul)) return;
      const auto* product = e.as<Binary>();
      const int a = signed_width(product->a);
      const int b = signed_width(product->b);
      const bool is_wide = std::max(a, b) > 27 || std::min(a, b) > 18;
      EXPECT_FALSE(is_wide && loops > 1) << kernel->name << ": " << to_string(e);
      ++count;
    });
  }
  EXPECT_GT(count, 30);
}

TEST(ExactKernels, DivideOncePerRow) {
  std::set<std::string> found;
  for (const KernelPtr& kernel : exact_kernels()) {
    for_each_inside(kernel->body, 0, [&](const Expr& e, int loops) {
      if (!is_operator(e, BinaryOp::kDiv)) return;
      EXPECT_EQ(loops, 1) << kernel->name << ": " << to_string(e);
      found.insert(to_string(e));
    });
  }
  EXPECT_EQ(found.size(), 5);  // of rows, means, deviations, sums of weights, shares
}

}  // namespace
}  // namespace heddle::kernel
