#include "kernel/schedule/place.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/affine.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// Longer kernels are shown by the nest in question only.
constexpr std::ptrdiff_t kMostLinesShown = 60;

bool find(const Stmt& stmt, const std::function<bool(const Stmt&)>& is_it, Place& place) {
  if (is_it(stmt)) {
    place.statement = stmt;
    return true;
  }
  place.around.push_back(stmt);
  for (const Stmt& child : children(stmt)) {
    if (find(child, is_it, place)) return true;
  }
  place.around.pop_back();
  return false;
}

std::string list_of(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

[[noreturn]] void report_missing(const Kernel& kernel, std::string_view kind,
                                 const std::string& wanted, const std::vector<std::string>& names) {
  const std::vector<std::string> near = nearest(wanted, names);
  const std::string guess = near.empty() ? "" : fmt::format("did you mean {}? ", list_of(near));
  throw UserError(fmt::format("{} has no {} called {}", kernel.name, kind, quote(wanted)),
                  names.empty() ? fmt::format("the kernel has no {} at all", kind)
                                : fmt::format("{}its {}s are {}", guess, kind, list_of(names)));
}

/// The statement with `old` exchanged; null if nothing is left. What does not hold it stays the
/// same node, so that addresses of other statements stay valid.
class Exchange {
 public:
  Exchange(const Stmt& old, const std::vector<Stmt>& replacement)
      : old_(old), replacement_(replacement) {}

  Stmt operator()(const Stmt& stmt) {
    if (stmt == old_) {
      ++found_;
      return block(replacement_);
    }
    return std::visit([&](const auto& node) { return rebuilt(stmt, node); }, stmt->value);
  }
  [[nodiscard]] int found() const { return found_; }

 private:
  Stmt rebuilt(const Stmt& stmt, const Block& node) {
    std::vector<Stmt> body;
    bool is_same = true;
    for (const Stmt& child : node.body) {
      body.push_back((*this)(child));
      is_same = is_same && body.back() == child;
    }
    return is_same ? stmt : block(std::move(body));
  }
  Stmt rebuilt(const Stmt& stmt, const For& node) {
    For changed = node;
    changed.body = (*this)(node.body);
    if (changed.body == node.body) return stmt;
    return changed.body ? make_stmt(std::move(changed)) : nullptr;
  }
  Stmt rebuilt(const Stmt& stmt, const If& node) {
    If changed = node;
    changed.then = (*this)(node.then);
    changed.otherwise = node.otherwise ? (*this)(node.otherwise) : nullptr;
    if (changed.then == node.then && changed.otherwise == node.otherwise) return stmt;
    if (!changed.then && !changed.otherwise) return nullptr;
    if (!changed.then) changed.then = make_stmt(Block{});
    return make_stmt(std::move(changed));
  }
  Stmt rebuilt(const Stmt& stmt, const Dataflow& node) {
    Dataflow changed;
    bool is_same = true;
    for (const Dataflow::Process& process : node.processes) {
      Stmt body = (*this)(process.body);
      is_same = is_same && body == process.body;
      if (body) changed.processes.push_back({process.name, std::move(body)});
    }
    if (is_same) return stmt;
    return changed.processes.empty() ? nullptr : make_stmt(std::move(changed));
  }
  template <typename Leaf>
  Stmt rebuilt(const Stmt& stmt, const Leaf& /*node*/) {
    return stmt;
  }

  const Stmt& old_;
  const std::vector<Stmt>& replacement_;
  int found_ = 0;
};

/// The outermost loop around (or at) the statement; the statement if there is none.
Stmt outermost_nest(const Kernel& kernel, const Stmt& statement) {
  Place place;
  const bool found = find(kernel.body, [&](const Stmt& stmt) { return stmt == statement; }, place);
  ensure(found, "a refused step marks a statement of another kernel");
  place.around.push_back(statement);
  const auto loop = std::find_if(place.around.begin(), place.around.end(),
                                 [](const Stmt& stmt) { return as<For>(stmt) != nullptr; });
  return loop == place.around.end() ? statement : *loop;
}

std::string without_first_and_last_line(const std::string& text) {
  const std::size_t from = text.find('\n') + 1;
  const std::size_t last = text.rfind('\n', text.size() - 2);
  return last == std::string::npos || last < from ? "" : text.substr(from, last + 1 - from);
}

/// The kernel, or if it is long the nests that hold the marked statements.
std::string show(const Kernel& kernel, const Refusal& refusal) {
  std::map<const StmtNode*, std::string> notes;
  std::vector<Stmt> nests;
  for (const Refusal::Mark& mark : refusal.marks) {
    std::string& note = notes[mark.statement.get()];
    note += (note.empty() ? "" : ", ") + mark.note;
    const Stmt nest = outermost_nest(kernel, mark.statement);
    if (std::find(nests.begin(), nests.end(), nest) == nests.end()) nests.push_back(nest);
  }
  std::string whole = to_text(kernel, notes);
  const bool is_short = std::count(whole.begin(), whole.end(), '\n') <= kMostLinesShown;
  if (is_short || nests.empty()) return whole;
  const Kernel part{kernel.name, "", {}, block(nests), std::nullopt};
  return without_first_and_last_line(to_text(part, notes));
}

}  // namespace

std::vector<const For*> Place::loops() const {
  std::vector<const For*> result;
  for (const Stmt& stmt : around) {
    if (const auto* loop = as<For>(stmt)) result.push_back(loop);
  }
  return result;
}

Place find_loop(const Kernel& kernel, const std::string& name) {
  Place place;
  const auto is_it = [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    return loop != nullptr && loop->name == name;
  };
  if (find(kernel.body, is_it, place)) return place;
  std::vector<std::string> names;
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (const auto* loop = as<For>(stmt)) names.push_back(loop->name);
  });
  report_missing(kernel, "loop", name, names);
}

const Array& require_array(const Kernel& kernel, const std::string& name) {
  if (const Array* array = find_array(kernel, name)) return *array;
  std::vector<std::string> names;
  for (const Parameter& parameter : kernel.parameters) {
    if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
      names.push_back(array->array.name);
    }
  }
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (const auto* array = as<DeclareArray>(stmt)) names.push_back(array->array.name);
  });
  report_missing(kernel, "array", name, names);
}

Kernel exchange(const Kernel& kernel, const Stmt& old, const std::vector<Stmt>& replacement) {
  Exchange change(old, replacement);
  Kernel result = kernel;
  result.body = change(kernel.body);
  ensure(change.found() == 1, "a statement to exchange was found {} times", change.found());
  if (!result.body) result.body = make_stmt(Block{});
  return result;
}

std::optional<std::int64_t> trip_count(const For& loop) {
  const std::optional<std::int64_t> trip = difference(loop.upper, loop.lower);
  if (!trip) return std::nullopt;
  return std::max<std::int64_t>(*trip, 0);
}

std::string code(const Stmt& stmt) {
  const std::string text = to_text(stmt);
  const std::size_t from = text.find_first_not_of(' ');
  return fmt::format("`{}`", text.substr(from, text.find('\n', from) - from));
}

void refuse(const Kernel& kernel, const Refusal& refusal) {
  throw UserError(
      fmt::format("cannot {}: {}\n{}", refusal.step, refusal.reason, show(kernel, refusal)),
      refusal.remedy);
}

}  // namespace heddle::kernel
