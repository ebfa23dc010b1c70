// partition, store_in, bank, pack: marks that say how an array lies in memory.
#include <fmt/ranges.h>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/arrays.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/primitive.h"

namespace heddle::kernel {
namespace {

/// The widest memory word that Vitis HLS makes of an array (UG1399, ARRAY_RESHAPE).
constexpr std::int64_t kWidestWord = 4096;

std::int64_t bits(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return 1;
    case TypeKind::kIndex:
      return 64;
    case TypeKind::kFixed:
      return type.width;
    case TypeKind::kFloat32:
      return 32;
    case TypeKind::kBFloat16:
      break;
  }
  return 16;
}

void check_dimension(const std::string& step, const Array& array, int dimension) {
  const auto rank = static_cast<int>(array.shape.size());
  if (dimension >= 0 && dimension < rank) return;
  throw UserError(fmt::format("{}: {} has no dimension {}", step, array.name, dimension),
                  rank == 0 ? fmt::format("{} is a scalar: there is nothing to divide", array.name)
                            : fmt::format("its dimensions are 0 to {}", rank - 1));
}

void check_factor(const Kernel& kernel, const std::string& step, const Array& array, int dimension,
                  const Partition& partition) {
  const Expr& extent = array.shape[static_cast<std::size_t>(dimension)];
  const Int128* literal = as_integer(extent);
  if (literal == nullptr) {
    refuse_array(kernel, step, array.name,
                 fmt::format("the extent {} of dimension {} is no literal, so the number of "
                             "memories is not known",
                             to_string(extent), dimension),
                 "stage a part of literal size and partition that");
  }
  if (partition.factor < 1 || partition.factor > *literal) {
    refuse_array(kernel, step, array.name,
                 fmt::format("dimension {} has {} elements, which do not spread over {} memories",
                             dimension, static_cast<std::int64_t>(*literal), partition.factor),
                 fmt::format("use a factor from 1 to {}", static_cast<std::int64_t>(*literal)));
  }
  if (array.lanes != 1 && dimension + 1 == static_cast<int>(array.shape.size())) {
    refuse_array(
        kernel, step, array.name,
        fmt::format("dimension {} is packed into words of {} elements", dimension, array.lanes),
        fmt::format("partition another dimension, or unpack it first: `pack {} 1`", array.name));
  }
}

}  // namespace

Kernel partition(const Kernel& kernel, const std::string& array, int dimension,
                 Partition partition) {
  if (partition.kind == Partition::Kind::kComplete || partition.kind == Partition::Kind::kNone) {
    partition.factor = 1;
  }
  const std::string step =
      fmt::format("partition {} {} {}", array, dimension, fmt::join(words_of(partition), " "));
  Array changed = require_array(kernel, array);
  check_dimension(step, changed, dimension);
  const bool is_divided = partition.kind != Partition::Kind::kNone;
  if (is_divided && is_global(kernel, array)) {
    refuse_array(kernel, step, array,
                 fmt::format("{} lies in global memory, which has the banks that it has", array),
                 fmt::format("stage it first, and partition {}_tile", array));
  }
  if (is_divided) check_factor(kernel, step, changed, dimension, partition);
  changed.partition.resize(changed.shape.size());
  changed.partition[static_cast<std::size_t>(dimension)] = partition;
  bool any = false;
  for (const Partition& part : changed.partition) any |= part.kind != Partition::Kind::kNone;
  if (!any) changed.partition.clear();
  return with_array(kernel, array, changed);
}

Kernel store_in(const Kernel& kernel, const std::string& array, Storage storage) {
  const std::string step = fmt::format("store_in {} {}", array, word_of(storage));
  Array changed = require_array(kernel, array);
  if (array_parameter(kernel, array) != nullptr) {
    refuse_array(kernel, step, array,
                 fmt::format("{} is an argument: where it lies is the caller's choice", array),
                 "stage it to have a copy on the chip; `bank` chooses a bank of global memory");
  }
  check_local_storage(kernel, step, changed, storage);
  const bool can_be_read_only =
      storage == Storage::kAuto || storage == Storage::kBram || storage == Storage::kLutram;
  if (!changed.table.empty() && !can_be_read_only) {
    refuse_array(kernel, step, array,
                 fmt::format("{} is a constant table, and {} cannot be made with values", array,
                             storage == Storage::kUram ? "uram" : "a register"),
                 "choose bram or lutram");
  }
  changed.storage = storage;
  return with_array(kernel, array, changed);
}

Kernel bank(const Kernel& kernel, const std::string& array, int bank) {
  const std::string step = fmt::format("bank {} {}", array, bank);
  Array changed = require_array(kernel, array);
  if (!is_global(kernel, array)) {
    const bool is_local = array_parameter(kernel, array) == nullptr;
    refuse_array(kernel, step, array,
                 fmt::format("{} is {}: only global memory has banks", array,
                             is_local ? "a local array" : "on the chip"),
                 is_local ? "use `partition` to spread a local array over memories"
                          : "choose an argument in global memory");
  }
  if (bank < 0) {
    throw UserError(fmt::format("{}: there is no bank {}", step, bank),
                    "banks are numbered from 0 on");
  }
  changed.storage = Storage::kGlobal;
  changed.bank = bank;
  return with_array(kernel, array, changed);
}

Kernel pack(const Kernel& kernel, const std::string& array, std::int64_t lanes) {
  const std::string step = fmt::format("pack {} {}", array, lanes);
  Array changed = require_array(kernel, array);
  if (changed.shape.empty()) {
    refuse_array(kernel, step, array, fmt::format("{} is a scalar", array),
                 "pack an array with a dimension");
  }
  const Int128* last = as_integer(changed.shape.back());
  if (last == nullptr && lanes != 1) {
    refuse_array(kernel, step, array,
                 fmt::format("its last extent {} is no literal, so words of {} elements may not "
                             "fit",
                             to_string(changed.shape.back()), lanes),
                 "pack an array whose last extent is a literal");
  }
  if (lanes < 1 || (last != nullptr && *last % lanes != 0)) {
    refuse_array(kernel, step, array,
                 fmt::format("words of {} elements do not divide its last extent {}", lanes,
                             to_string(changed.shape.back())),
                 "use a divisor of the last extent");
  }
  const std::int64_t width = bits(changed.element);
  if (lanes > kWidestWord / width) {
    refuse_array(kernel, step, array,
                 fmt::format("{} elements of {} bits are wider than the widest word, {} bits",
                             lanes, width, kWidestWord),
                 fmt::format("pack at most {} elements", kWidestWord / width));
  }
  const bool is_spread =
      !changed.partition.empty() && changed.partition.back().kind != Partition::Kind::kNone;
  if (lanes != 1 && is_spread) {
    refuse_array(kernel, step, array, "its last dimension is partitioned, element by element",
                 fmt::format("take that back first: `partition {} {} none`", array,
                             changed.shape.size() - 1));
  }
  changed.lanes = lanes;
  return with_array(kernel, array, changed);
}

}  // namespace heddle::kernel
