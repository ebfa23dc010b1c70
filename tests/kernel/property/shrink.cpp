#include "kernel/property/shrink.h"

#include <sstream>
#include <vector>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/place.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool drop_steps(Failure& failure, const std::function<bool(const Failure&)>& fails) {
  const std::vector<std::string> lines = lines_of(failure.steps);
  for (std::size_t left_out = lines.size(); left_out-- > 0;) {
    Failure smaller = failure;
    smaller.steps.clear();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i != left_out) smaller.steps += lines[i] + '\n';
    }
    if (fails(smaller)) {
      failure = smaller;
      return true;
    }
  }
  return false;
}

/// Every way of making one statement simpler.
std::vector<Stmt> simpler(const Stmt& stmt) {
  if (as<Block>(stmt) != nullptr) return {};
  std::vector<Stmt> list = {nullptr};
  if (const auto* loop = as<For>(stmt)) {
    For shorter = *loop;
    shorter.upper = shorter.lower + Expr(1);
    if (!equal(shorter.upper, loop->upper)) list.push_back(make_stmt(shorter));
  } else if (const auto* branch = as<If>(stmt)) {
    list.push_back(branch->then);
  } else if (const auto* store = as<Store>(stmt)) {
    for (const Expr& part : operands(store->value)) {
      if (part.type() == store->value.type()) {
        list.push_back(make_stmt(Store{store->array, store->indices, part, store->reduce}));
      }
    }
  }
  return list;
}

bool drop_statements(Failure& failure, const std::function<bool(const Failure&)>& fails) {
  std::vector<Stmt> all;
  for_each(failure.kernel->body, [&](const Stmt& stmt) { all.push_back(stmt); });
  for (const Stmt& stmt : all) {
    for (const Stmt& replacement : simpler(stmt)) {
      const std::vector<Stmt> kept = replacement ? std::vector{replacement} : std::vector<Stmt>{};
      Kernel kernel = exchange(*failure.kernel, stmt, kept);
      try {
        verify(kernel);
      } catch (const UserError&) {
        continue;
      }
      const Failure smaller{std::make_shared<const Kernel>(std::move(kernel)), failure.steps};
      if (fails(smaller)) {
        failure = smaller;
        return true;
      }
    }
  }
  return false;
}

}  // namespace

Failure shrink(Failure failure, const std::function<bool(const Failure&)>& fails) {
  constexpr int kMostRounds = 300;
  for (int round = 0; round < kMostRounds; ++round) {
    if (!drop_steps(failure, fails) && !drop_statements(failure, fails)) break;
  }
  return failure;
}

}  // namespace heddle::kernel
