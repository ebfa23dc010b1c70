#include "kernel/codegen/cpp/native.h"

#include <array>
#include <cstring>

#include "base/error.h"
#include "kernel/codegen/cpp/workers.h"

namespace heddle::kernel {
namespace {

/// Contraction and reassociation would change results. Vector instructions in native text read
/// arrays as other types. No start-up code or libraries: what is called (memset, malloc, wide
/// division) is in the program that loads this, and linking takes half the time.
std::vector<std::string> flags_for(const std::string& compiler) {
  std::vector<std::string> flags = {"-O3",
                                    "-march=native",
                                    "-ffp-contract=off",
                                    "-fwrapv",
                                    "-fno-strict-aliasing",
                                    "-fno-math-errno",
                                    "-fno-trapping-math",
                                    "-fno-rtti",
                                    "-fno-stack-protector",
                                    "-nostdlib",
                                    "-w"};
  // Expressions may be nested as deep as verify() allows, with several brackets for each level.
  const bool is_clang = compiler.find("clang") != std::string::npos;
  if (is_clang) {
    flags.emplace_back("-fbracket-depth=4096");
    // Longer loops of known length that nobody asked to unroll: most of the compile time for
    // nothing.
    flags.insert(flags.end(), {"-mllvm", "-unroll-full-max-count=8"});
  }
  return flags;
}

SharedObject compiled(std::span<const KernelPtr> kernels, const NativeOptions& options) {
  const std::string compiler = find_compiler();
  return {emit_cpp(kernels, options), compiler, flags_for(compiler), options.cache};
}

/// A scalar argument as the entry reads it: an integer of any size from its low bytes, or a float.
struct alignas(16) ScalarWords {
  std::array<std::byte, 16> bytes{};
};

ScalarWords words_of(const Scalar& value) {
  ScalarWords words;
  if (value.type.is_float()) {
    std::memcpy(words.bytes.data(), &value.real, sizeof value.real);
  } else {
    std::memcpy(words.bytes.data(), &value.raw, sizeof value.raw);
  }
  return words;
}

/// The compiled code takes for granted that a written array overlaps no other.
void check_distinct(const Kernel& kernel, std::span<const Argument> arguments) {
  const auto written = [&](std::size_t i) {
    return std::get<ArrayParameter>(kernel.parameters[i]).direction != Direction::kIn;
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto* a = std::get_if<Buffer*>(&arguments[i]);
    if (a == nullptr || (*a)->size() == 0) continue;
    for (std::size_t j = 0; j < i; ++j) {
      const auto* b = std::get_if<Buffer*>(&arguments[j]);
      if (b != nullptr && *a == *b && (written(i) || written(j))) {
        throw UserError(
            fmt::format("kernel {}: {} and {} are one buffer, and one of them is written",
                        kernel.name, name_of(kernel.parameters[j]), name_of(kernel.parameters[i])),
            "give each array that is written a buffer of its own");
      }
    }
  }
}

}  // namespace

NativeLibrary::NativeLibrary(std::vector<KernelPtr> kernels, const NativeOptions& options)
    : kernels_(std::move(kernels)),
      options_(options),
      object_(compiled(kernels_, options_)),
      workers_(std::make_shared<native::Workers>(options_.threads)) {
  for (std::size_t i = 0; i < kernels_.size(); ++i) {
    entries_.push_back(reinterpret_cast<Entry>(object_.symbol(fmt::format("heddle_run_{}", i))));
  }
}

void NativeLibrary::run(std::span<const Argument> arguments, std::size_t kernel) const {
  ensure(kernel < kernels_.size(), "a library of {} kernels has no kernel {}", kernels_.size(),
         kernel);
  check_arguments(*kernels_[kernel], arguments);
  check_distinct(*kernels_[kernel], arguments);
  std::vector<ScalarWords> scalars(arguments.size());
  std::vector<void*> pointers(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (const auto* buffer = std::get_if<Buffer*>(&arguments[i])) {
      pointers[i] = (*buffer)->data();
    } else {
      scalars[i] = words_of(std::get<Scalar>(arguments[i]));
      pointers[i] = scalars[i].bytes.data();
    }
  }
  workers_->run(entries_[kernel], pointers.data());
}

}  // namespace heddle::kernel
