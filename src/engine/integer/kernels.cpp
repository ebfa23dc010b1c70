#include "engine/integer/kernels.h"

#include <array>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "engine/arith/tables.h"

namespace heddle {

// One translation unit of kernels_isa.cpp each.
namespace integer_plain {
extern const IntegerKernels kTable;
}
namespace integer_avx2 {
extern const IntegerKernels kTable;
}
namespace integer_avx512vnni {
extern const IntegerKernels kTable;
}

namespace {

std::array<std::int32_t, 512> packed(const arith::TailTable& table) {
  std::array<std::int32_t, 512> entries{};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::int32_t rise = table.entries[i + 1] - table.entries[i];
    entries[i] = table.entries[i] | (rise * (1 << 16));
  }
  return entries;
}

}  // namespace

Tail tail_of(Function function) {
  if (function == Function::kRelu) return {};
  static const std::array<std::array<std::int32_t, 512>, 3> tables = {
      packed(arith::tail_table(Function::kGeluTanh)), packed(arith::tail_table(Function::kGeluErf)),
      packed(arith::tail_table(Function::kSilu))};
  const std::size_t number = function == Function::kGeluTanh  ? 0
                             : function == Function::kGeluErf ? 1
                                                              : 2;
  return {tables.at(number).data(), arith::tail_table(function).log_range};
}

std::vector<const IntegerKernels*> supported_integer_kernels() {
  std::vector<const IntegerKernels*> sets = {&integer_plain::kTable};
  if (__builtin_cpu_supports("avx2") != 0) sets.push_back(&integer_avx2::kTable);
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512vnni") != 0) {
    sets.push_back(&integer_avx512vnni::kTable);
  }
  return sets;
}

const IntegerKernels& integer_kernels() {
  static const std::vector<const IntegerKernels*> sets = supported_integer_kernels();
  const char* wanted = std::getenv("HEDDLE_ISA");
  if (wanted == nullptr) return *sets.back();
  std::string names;
  for (const IntegerKernels* set : sets) {
    if (std::string_view(set->name) == wanted) return *set;
    names += (names.empty() ? "" : ", ") + std::string(set->name);
  }
  throw UserError(
      fmt::format("HEDDLE_ISA is {}, which this processor or program does not have", quote(wanted)),
      fmt::format("choose one of: {}; or leave it unset for the last of them", names));
}

}  // namespace heddle
