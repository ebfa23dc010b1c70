#include "kernel/codegen/hls/uses.h"

#include <algorithm>

#include "kernel/rewrite.h"

namespace heddle::kernel::hls {
namespace {

class Collector {
 public:
  void add(const Stmt& stmt) {
    for (const Expr& e : own_expressions(stmt)) add(e);
    if (const auto* store = as<Store>(stmt)) {
      add(store->array, true);
    } else if (const auto* put = as<Put>(stmt)) {
      add(put->stream);
    } else if (const auto* get = as<Get>(stmt)) {
      add(get->stream);
      add(get->array, true);
    } else if (const auto* call = as<Call>(stmt)) {
      add(*call);
    }
  }
  Uses take() { return std::move(uses_); }

 private:
  void add(const Expr& root) {
    for_each(root, [&](const Expr& e) {
      if (const auto* variable = e.as<Variable>()) add(variable->name);
      if (const auto* load = e.as<Load>()) add(load->array);
    });
  }
  void add(const Call& call) {
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      if (const auto* window = std::get_if<Window>(&call.arguments[i])) {
        add(window->array, direction_of(*call.callee, i) != Direction::kIn);
      } else if (const auto* stream = std::get_if<StreamArgument>(&call.arguments[i])) {
        add(stream->stream);
      }
    }
  }
  void add(const std::string& name, bool is_written = false) {
    if (seen_.insert(name).second) uses_.names.push_back(name);
    if (is_written) uses_.written.insert(name);
  }

  Uses uses_;
  std::set<std::string> seen_;
};

}  // namespace

bool Uses::contains(const std::string& name) const {
  return std::ranges::find(names, name) != names.end();
}

Uses uses_of(const Stmt& stmt) {
  Collector collector;
  for_each(stmt, [&](const Stmt& inner) { collector.add(inner); });
  return collector.take();
}

Direction direction_of(const Kernel& callee, std::size_t position) {
  const Parameter& parameter = callee.parameters.at(position);
  if (const auto* array = std::get_if<ArrayParameter>(&parameter)) return array->direction;
  if (const auto* stream = std::get_if<StreamParameter>(&parameter)) return stream->direction;
  return Direction::kIn;
}

}  // namespace heddle::kernel::hls
