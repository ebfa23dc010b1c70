#include "kernel/schedule/arrays.h"

#include "base/error.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

/// A large card has some millions of flip-flops: this many elements of a byte are a good part.
constexpr std::int64_t kMostRegisters = 65536;
/// More elements than any chip holds.
constexpr std::int64_t kMostOnChip = std::int64_t{1} << 28;

}  // namespace

const ArrayParameter* array_parameter(const Kernel& kernel, const std::string& array) {
  for (const Parameter& parameter : kernel.parameters) {
    const auto* found = std::get_if<ArrayParameter>(&parameter);
    if (found != nullptr && found->array.name == array) return found;
  }
  return nullptr;
}

bool is_global(const Kernel& kernel, const std::string& array) {
  const Storage storage = require_array(kernel, array).storage;
  if (storage == Storage::kAuto) return array_parameter(kernel, array) != nullptr;
  return storage == Storage::kGlobal;
}

bool has_values(const Kernel& kernel, const std::string& array) {
  const ArrayParameter* parameter = array_parameter(kernel, array);
  if (parameter != nullptr) return parameter->direction != Direction::kOut;
  return !require_array(kernel, array).table.empty();
}

void refuse_array(const Kernel& kernel, const std::string& step, const std::string& array,
                  const std::string& reason, const std::string& remedy) {
  Refusal refusal{step, reason, {}, remedy};
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* declaration = as<DeclareArray>(stmt);
    if (declaration != nullptr && declaration->array.name == array) {
      refusal.marks.push_back({stmt, "<-- here"});
    }
  });
  refuse(kernel, refusal);
}

void check_local_storage(const Kernel& kernel, const std::string& step, const Array& array,
                         Storage storage) {
  if (storage == Storage::kGlobal) {
    refuse_array(kernel, step, array.name, "a local array lies on the chip, not in global memory",
                 "choose uram, bram, lutram or register; `bank` places arguments");
  }
  const std::optional<std::int64_t> count = element_count(array.shape);
  if (storage == Storage::kRegister && (!count || *count > kMostRegisters)) {
    refuse_array(kernel, step, array.name,
                 count ? fmt::format("{} elements are too many for registers", *count)
                       : "the number of registers must be known, but an extent is no literal",
                 fmt::format("choose lutram, bram or uram; registers hold at most {} elements",
                             kMostRegisters));
  }
  if (count && *count > kMostOnChip) {
    refuse_array(kernel, step, array.name, fmt::format("no chip holds {} elements", *count),
                 "tile the loops, so that a smaller part is needed at a time");
  }
}

Ranges counter_ranges(const Kernel& kernel) {
  Ranges ranges;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr) return;
    if (const auto range = counter_range(*loop, ranges)) ranges[loop->name] = *range;
  });
  return ranges;
}

Stmt redirect(const Stmt& stmt, const std::string& array, const Redirection& to) {
  return transform(
      stmt,
      [&](const Stmt& part) {
        if (const auto* store = as<Store>(part); store != nullptr && store->array == array) {
          return make_stmt(
              Store{to.array, to.indices(store->indices), store->value, store->reduce});
        }
        if (const auto* get = as<Get>(part); get != nullptr && get->array == array) {
          return make_stmt(Get{get->stream, get->channel, to.array, to.indices(get->indices)});
        }
        const auto* call = as<Call>(part);
        if (call == nullptr) return part;
        Call changed = *call;
        for (std::size_t i = 0; i < changed.arguments.size(); ++i) {
          auto* window = std::get_if<Window>(&changed.arguments[i]);
          if (window == nullptr || window->array != array) continue;
          *window = to.window(*window, std::get<ArrayParameter>(call->callee->parameters[i]));
        }
        return make_stmt(std::move(changed));
      },
      [&](const Expr& e) {
        return transform(e, [&](const Expr& part) {
          const auto* access = part.as<Load>();
          if (access == nullptr || access->array != array) return part;
          return load(to.array, part.type(), to.indices(access->indices));
        });
      });
}

}  // namespace heddle::kernel
