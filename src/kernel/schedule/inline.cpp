// inline_call and exchange_callee: what a call does, in place of it.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/calls.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {
namespace {

std::vector<std::string> callees(const Stmt& body) {
  std::vector<std::string> names;
  for_each(body, [&](const Stmt& stmt) {
    const auto* call = as<Call>(stmt);
    if (call == nullptr) return;
    if (std::find(names.begin(), names.end(), call->callee->name) == names.end()) {
      names.push_back(call->callee->name);
    }
  });
  return names;
}

[[noreturn]] void refuse_unknown_callee(const Kernel& kernel, const std::string& step,
                                        const std::string& callee) {
  const std::vector<std::string> names = callees(kernel.body);
  Refusal refusal{step, fmt::format("kernel {} has no call of {}", kernel.name, callee), {}, {}};
  refusal.remedy = names.empty() ? "it calls no kernel at all"
                                 : fmt::format("it calls {}", fmt::join(names, ", "));
  refuse(kernel, refusal);
}

/// What the callee's parameters stand for at one call.
class Binding {
 public:
  /// Subscripts and scalars that load from memory are kept in locals (declared in `prologue`): a
  /// call evaluates them once.
  Binding(const Call& call, std::set<std::string>& taken) {
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      const std::string& name = name_of(call.callee->parameters[i]);
      if (const auto* window = std::get_if<Window>(&call.arguments[i])) {
        Window kept = *window;
        for (Window::Dimension& dimension : kept.dimensions) {
          dimension.base = keep(dimension.base, name, taken);
        }
        windows_.emplace(name, std::move(kept));
      } else if (const auto* stream = std::get_if<StreamArgument>(&call.arguments[i])) {
        StreamArgument kept = *stream;
        for (Expr& index : kept.channel) index = keep(index, name, taken);
        streams_.emplace(name, std::move(kept));
      } else {
        scalars_.emplace(name, keep(std::get<Expr>(call.arguments[i]), name, taken));
      }
    }
  }

  std::vector<Stmt>& prologue() { return prologue_; }

  [[nodiscard]] Expr expression(const Expr& e) const {
    return transform(substitute(e, scalars_), [&](const Expr& part) {
      const auto* access = part.as<Load>();
      if (access == nullptr || !windows_.contains(access->array)) return part;
      return load(windows_.at(access->array).array, part.type(),
                  indices(access->array, access->indices));
    });
  }

  /// The statement with its arrays and streams exchanged; its expressions are exchanged already.
  [[nodiscard]] Stmt statement(const Stmt& stmt) const {
    if (const auto* store = as<Store>(stmt); store != nullptr && windows_.contains(store->array)) {
      return make_stmt(Store{windows_.at(store->array).array, indices(store->array, store->indices),
                             store->value, store->reduce});
    }
    if (const auto* put = as<Put>(stmt); put != nullptr && streams_.contains(put->stream)) {
      const StreamArgument& stream = streams_.at(put->stream);
      return make_stmt(Put{stream.stream, channel(stream, put->channel), put->value});
    }
    if (const auto* get = as<Get>(stmt)) return bind(*get);
    if (const auto* call = as<Call>(stmt)) return bind(*call);
    return stmt;
  }

 private:
  Expr keep(const Expr& value, const std::string& name, std::set<std::string>& taken) {
    if (loaded_arrays(value).empty()) return value;
    Array local;
    local.name = fresh_name(name + "_value", taken);
    local.element = value.type();
    prologue_.push_back(make_stmt(DeclareArray{local}));
    prologue_.push_back(make_stmt(Store{local.name, {}, value, std::nullopt}));
    return load(local.name, local.element, {});
  }

  [[nodiscard]] std::vector<Expr> indices(const std::string& parameter,
                                          const std::vector<Expr>& own) const {
    std::vector<Expr> result;
    auto next = own.begin();
    for (const Window::Dimension& dimension : windows_.at(parameter).dimensions) {
      result.push_back(dimension.spanned ? dimension.base + *next++ : dimension.base);
    }
    return result;
  }

  static std::vector<Expr> channel(const StreamArgument& stream, const std::vector<Expr>& own) {
    return stream.channel.empty() ? own : stream.channel;
  }

  [[nodiscard]] Stmt bind(Get get) const {
    if (const auto found = windows_.find(get.array); found != windows_.end()) {
      get.indices = indices(get.array, get.indices);
      get.array = found->second.array;
    }
    if (const auto found = streams_.find(get.stream); found != streams_.end()) {
      get.channel = channel(found->second, get.channel);
      get.stream = found->second.stream;
    }
    return make_stmt(std::move(get));
  }

  [[nodiscard]] Stmt bind(Call call) const {
    for (auto& argument : call.arguments) {
      if (auto* window = std::get_if<Window>(&argument)) {
        const auto found = windows_.find(window->array);
        if (found == windows_.end()) continue;
        auto next = window->dimensions.begin();
        Window whole{found->second.array, {}};
        for (const Window::Dimension& outer : found->second.dimensions) {
          whole.dimensions.push_back(outer);
          if (!outer.spanned) continue;
          whole.dimensions.back() = {outer.base + next->base, next->spanned};
          ++next;
        }
        *window = std::move(whole);
      } else if (auto* stream = std::get_if<StreamArgument>(&argument)) {
        const auto found = streams_.find(stream->stream);
        if (found == streams_.end()) continue;
        stream->channel = channel(found->second, stream->channel);
        stream->stream = found->second.stream;
      }
    }
    return make_stmt(std::move(call));
  }

  std::map<std::string, Window> windows_;
  std::map<std::string, StreamArgument> streams_;
  std::map<std::string, Expr> scalars_;
  std::vector<Stmt> prologue_;
};

Stmt inlined(const Call& call, std::set<std::string>& taken) {
  // First names of its own for all that the callee declares, then the caller's for its parameters.
  std::map<std::string, std::string> names;
  for (const std::string& name : names_in(call.callee->body)) {
    names.emplace(name, fresh_name(name, taken));
  }
  // Parameters keep their names while the body is renamed; none of the new names equals one.
  for (const Parameter& parameter : call.callee->parameters) {
    names.emplace(name_of(parameter), fresh_name(name_of(parameter) + "_parameter", taken));
  }
  Call renamed = call;
  Kernel callee = *call.callee;
  callee.body = rename(callee.body, names);
  for (Parameter& parameter : callee.parameters) {
    const std::string& name = names.at(name_of(parameter));
    if (auto* array = std::get_if<ArrayParameter>(&parameter)) array->array.name = name;
    if (auto* stream = std::get_if<StreamParameter>(&parameter)) stream->stream.name = name;
    if (auto* scalar = std::get_if<ScalarParameter>(&parameter)) scalar->name = name;
  }
  renamed.callee = std::make_shared<const Kernel>(std::move(callee));
  Binding binding(renamed, taken);
  std::vector<Stmt> statements = std::move(binding.prologue());
  statements.push_back(transform(
      renamed.callee->body, [&](const Stmt& stmt) { return binding.statement(stmt); },
      [&](const Expr& e) { return binding.expression(e); }));
  Stmt result = block(std::move(statements));
  return result ? result : make_stmt(Block{});
}

}  // namespace

Kernel inline_call(const Kernel& kernel, const std::string& callee) {
  std::set<std::string> taken = names_in(kernel);
  bool found = false;
  Kernel result = kernel;
  result.body = transform(kernel.body, [&](const Stmt& stmt) {
    const auto* call = as<Call>(stmt);
    if (call == nullptr || call->callee->name != callee) return stmt;
    found = true;
    return inlined(*call, taken);
  });
  if (!found) refuse_unknown_callee(kernel, fmt::format("inline {}", callee), callee);
  return result;
}

Kernel exchange_callee(const Kernel& kernel, const KernelPtr& from, const KernelPtr& to) {
  int same = 0;
  int other = 0;
  bool shares = false;
  Kernel result = kernel;
  result.body = transform(kernel.body, [&](const Stmt& stmt) {
    const auto* call = as<Call>(stmt);
    if (call == nullptr || call->callee->name != from->name) return stmt;
    if (!equal(*call->callee, *from)) {
      ++other;
      return stmt;
    }
    ++same;
    shares |= shares_written_array(*call);
    return make_stmt(Call{to, call->arguments});
  });
  const std::string step = fmt::format("compose {}", from->name);
  if (same == 0 && other == 0) refuse_unknown_callee(kernel, step, from->name);
  if (other > 0) {
    refuse(kernel,
           {step,
            fmt::format("the {} that is called is not the kernel that the schedule starts from",
                        from->name),
            {},
            "start the schedule from the very kernel that is called (its shapes and types too)"});
  }
  if (shares) {
    refuse(kernel, {step,
                    fmt::format("a call of {} gets two windows of one array and writes to it: its "
                                "schedule takes them for different arrays",
                                from->name),
                    {},
                    fmt::format("inline {} and schedule what it becomes", from->name)});
  }
  return result;
}

}  // namespace heddle::kernel
