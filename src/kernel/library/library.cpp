#include "kernel/library/library.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "kernel/library/attention.h"
#include "kernel/library/common.h"
#include "kernel/library/elementwise.h"
#include "kernel/library/exact_attention.h"
#include "kernel/library/exact_attention_array.h"
#include "kernel/library/exact_linear.h"
#include "kernel/library/exact_mlp.h"
#include "kernel/library/exact_mlp_dataflow.h"
#include "kernel/library/exact_moe.h"
#include "kernel/library/exact_norm.h"
#include "kernel/library/exact_norm_dataflow.h"
#include "kernel/library/instructions.h"
#include "kernel/library/matrix.h"
#include "kernel/library/mlp.h"
#include "kernel/library/moe.h"
#include "kernel/library/rows.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

/// Extents stay small enough that the products of three of them are far from overflow.
constexpr std::int64_t kLargestNumber = 1 << 20;

/// "rows, columns" or "a" for messages.
std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

/// What to do about a misspelt name: the nearest ones, else all.
std::string choose_from(const std::string& wanted, const std::vector<std::string>& names) {
  const std::vector<std::string> close = nearest(wanted, names);
  if (close.empty()) return fmt::format("there are: {}", joined(names));
  return fmt::format("did you mean {}?", joined(close));
}

template <typename Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

template <typename Item>
const Item* find_named(const std::vector<Item>& items, const std::string& name) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

std::int64_t number_in(const std::string& kernel, const LibraryParameter& parameter,
                       const std::string& text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool is_number = error == std::errc() && stop == end && !text.empty();
  if (is_number && value >= parameter.minimum && value <= kLargestNumber) return value;
  throw UserError(fmt::format("{}: {}={} is not a whole number from {} to {}", kernel,
                              parameter.name, quote(text), parameter.minimum, kLargestNumber),
                  fmt::format("give such a number for {} ({}), or leave it out for {}",
                              parameter.name, parameter.summary, parameter.default_number));
}

const std::string& word_in(const std::string& kernel, const LibraryParameter& parameter,
                           const std::string& text) {
  const auto found = std::find(parameter.choices.begin(), parameter.choices.end(), text);
  if (found != parameter.choices.end()) return *found;
  throw UserError(fmt::format("{}: {}={} is not one of {}", kernel, parameter.name, quote(text),
                              joined(parameter.choices)),
                  choose_from(text, parameter.choices));
}

std::vector<LibraryKernel> make_library() {
  std::vector<LibraryKernel> kernels = {attention_entry(),
                                        attention_array_entry(),
                                        attention_exact_entry(),
                                        attention_layer_entry(),
                                        gelu_entry(),
                                        gemm_entry(),
                                        gemv_entry(),
                                        layer_norm_entry(),
                                        linear_entry(),
                                        linear_exact_entry(),
                                        mlp_entry(),
                                        mlp_exact_entry(),
                                        mlp_dataflow_entry(),
                                        moe_entry(),
                                        moe_dense_entry(),
                                        moe_exact_entry(),
                                        multiply_entry(),
                                        norm_exact_entry(),
                                        norm_dataflow_entry(),
                                        relu_entry(),
                                        quantise_exact_entry(),
                                        requantise_entry(),
                                        residual_entry(),
                                        rms_norm_entry(),
                                        rope_entry(),
                                        silu_entry(),
                                        softmax_entry()};
  std::sort(kernels.begin(), kernels.end(),
            [](const LibraryKernel& a, const LibraryKernel& b) { return a.name < b.name; });
  return kernels;
}

}  // namespace

LibraryArguments::LibraryArguments(const std::string& kernel,
                                   const std::vector<LibraryParameter>& parameters,
                                   const std::map<std::string, std::string>& given) {
  for (const auto& [name, text] : given) {
    if (find_named(parameters, name)) continue;
    throw UserError(fmt::format("{} has no parameter {}", kernel, quote(name)),
                    choose_from(name, names_of(parameters)));
  }
  for (const LibraryParameter& parameter : parameters) {
    const auto found = given.find(parameter.name);
    const bool is_given = found != given.end();
    if (parameter.choices.empty()) {
      numbers_[parameter.name] =
          is_given ? number_in(kernel, parameter, found->second) : parameter.default_number;
    } else {
      words_[parameter.name] =
          is_given ? word_in(kernel, parameter, found->second) : parameter.choices.front();
    }
  }
}

std::int64_t LibraryArguments::number(const std::string& name) const {
  const auto found = numbers_.find(name);
  ensure(found != numbers_.end(), "no library parameter {} is a number", name);
  return found->second;
}

const std::string& LibraryArguments::word(const std::string& name) const {
  const auto found = words_.find(name);
  ensure(found != words_.end(), "no library parameter {} is a word", name);
  return found->second;
}

const std::vector<LibraryKernel>& library() {
  static const std::vector<LibraryKernel> kernels = make_library();
  return kernels;
}

const LibraryKernel& find_library_kernel(const std::string& name) {
  if (const LibraryKernel* found = find_named(library(), name)) return *found;
  throw UserError(fmt::format("the library has no kernel {}", quote(name)),
                  choose_from(name, names_of(library())));
}

const LibrarySchedule& find_schedule(const LibraryKernel& kernel, const std::string& name) {
  if (const LibrarySchedule* found = find_named(kernel.schedules, name)) return *found;
  throw UserError(fmt::format("{} has no schedule {}", kernel.name, quote(name)),
                  choose_from(name, names_of(kernel.schedules)));
}

std::pair<Int128, Int128> input_range(const Type& element) {
  if (element == shift_type()) return {1, 62};
  return {lowest(element), highest(element)};
}

const std::vector<KernelPtr>& instructions() {
  static const std::vector<KernelPtr> list = make_instructions();
  return list;
}

}  // namespace heddle::kernel
