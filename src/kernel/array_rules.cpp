#include "kernel/array_rules.h"

#include <array>

#include "base/error.h"
#include "base/text.h"
#include "kernel/expression_rules.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

void check_partition(const Array& array, std::size_t dimension) {
  using PartitionKind = Partition::Kind;
  const Partition& partition = array.partition[dimension];
  const Int128* extent = as_integer(array.shape[dimension]);
  const std::string where = fmt::format("dimension {} of {}", dimension, array.name);
  if (partition.kind == PartitionKind::kNone || partition.kind == PartitionKind::kComplete) {
    if (partition.factor != 1) {
      break_rule(fmt::format("{} has a partition with factor {}", where, partition.factor),
                 "only cyclic and block take a factor");
    }
    if (partition.kind == PartitionKind::kNone) return;
  }
  if (extent == nullptr) {
    break_rule(fmt::format("{} is partitioned but its extent {} is not a literal", where,
                           quote(to_string(array.shape[dimension]))),
               "stage a part of literal size in a local array and partition that");
  }
  if (partition.factor < 1 || partition.factor > *extent) {
    break_rule(fmt::format("{} is partitioned by {}, its extent is {}", where, partition.factor,
                           to_string(*extent)),
               fmt::format("use a factor from 1 to {}", to_string(*extent)));
  }
}

void check_partition(const Array& array, bool is_parameter) {
  if (array.partition.empty()) return;
  if (array.storage == Storage::kGlobal || (is_parameter && array.storage == Storage::kAuto)) {
    break_rule(fmt::format("{} is partitioned but lies in global memory", array.name),
               "stage it in a local array, or give it on-chip storage, such as bram");
  }
  if (array.partition.size() != array.shape.size()) {
    break_rule(fmt::format("{} has {} dimensions but a partition of {}", array.name,
                           array.shape.size(), array.partition.size()),
               "give one entry for each dimension; none leaves a dimension whole");
  }
  for (std::size_t d = 0; d < array.shape.size(); ++d) check_partition(array, d);
}

void check_lanes(const Array& array) {
  if (array.lanes == 1) return;
  const Int128* last = array.shape.empty() ? nullptr : as_integer(array.shape.back());
  if (array.lanes < 1 || array.shape.empty() || (last != nullptr && *last % array.lanes != 0)) {
    break_rule(fmt::format("{} lanes do not divide the last extent of {}", array.lanes, array.name),
               "use a divisor of the last extent");
  }
}

void check_table(const Array& array) {
  if (array.table.empty()) return;
  const std::optional<std::int64_t> count = element_count(array.shape);
  if (!count || *count != static_cast<std::int64_t>(array.table.size())) {
    break_rule(fmt::format("table {} has {} values, not one for each element", array.name,
                           array.table.size()),
               count ? fmt::format("give {} values", *count) : "give it literal extents");
  }
  for (const Expr& value : array.table) {
    if (value.as<Constant>() == nullptr || value.type() != array.element) {
      break_rule(fmt::format("table {} holds {}, which is no literal of {}", array.name,
                             quote(to_string(value)), to_string(array.element)),
                 "give literals of the element type");
    }
  }
}

}  // namespace

void check_element_type(const std::string& name, const Type& type) {
  if (type.is_fixed() && (type.width < 1 || type.width > kMaxElementWidth)) {
    break_rule(fmt::format("{} has elements of {} bits", name, type.width),
               fmt::format("elements have 1 to {} bits: use a narrower type", kMaxElementWidth));
  }
}

void check_layout(const Array& array, bool is_parameter) {
  check_element_type(array.name, array.element);
  if (array.bank && (array.storage != Storage::kGlobal || *array.bank < 0)) {
    break_rule(fmt::format("{} has bank {} but is not in global memory", array.name, *array.bank),
               "give a bank from 0 on, and only with global storage");
  }
  check_partition(array, is_parameter);
  check_lanes(array);
  check_table(array);
}

void check_stored(const std::string& name, const Type& element, const Expr& value) {
  const Type& type = value.type();
  const bool is_whole = value.as<Constant>() != nullptr && type.is_integer();
  const bool converts = (element.is_fixed() && type.is_fixed()) ||
                        (element.is_float() && (type.is_float() || is_whole)) ||
                        (element.is_bool() && type.is_bool()) ||
                        (element.is_index() && (type.is_index() || type.is_integer())) ||
                        (element.is_integer() && type.is_index());
  if (!converts) {
    break_rule(fmt::format("{} of {} does not take {}", name, to_string(element), to_string(type)),
               element.is_bool() ? "compare the value with something, as in x != 0"
                                 : fmt::format("cast it: {}({})", to_string(element),
                                               shorten(to_string(value), 60)));
  }
}

void check_reduced(const std::string& name, const Type& element, ReduceOp op, const Expr& value) {
  constexpr std::array<BinaryOp, 4> kOperators = {BinaryOp::kAdd, BinaryOp::kMul, BinaryOp::kMin,
                                                  BinaryOp::kMax};
  try {
    const Expr loaded = variable(name, element);
    check_stored(name, element,
                 binary(kOperators.at(static_cast<std::size_t>(op)), loaded,
                        variable("value", value.type())));
  } catch (const UserError& error) {
    break_rule(fmt::format("{} cannot be reduced so: {}", name, error.what()), error.remedy());
  }
}

}  // namespace heddle::kernel
