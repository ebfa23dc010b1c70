#include "kernel/schedule/memory_support.h"

#include <algorithm>
#include <vector>

#include "kernel/interpret.h"
#include "kernel/text.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

/// The buffers of one launch.
class Launch {
 public:
  Launch(const Kernel& kernel, const Sizes& sizes) : kernel_(kernel) {
    for (const Parameter& parameter : kernel.parameters) {
      const auto* scalar = std::get_if<ScalarParameter>(&parameter);
      arguments_.push_back(scalar ? Argument(Scalar{scalar->type, sizes.at(scalar->name), 0})
                                  : Argument(static_cast<Buffer*>(nullptr)));
    }
    const auto shapes = argument_shapes(kernel, arguments_);
    buffers_.reserve(shapes.size());
    std::uint64_t seed = 1;
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i]);
      if (array == nullptr) continue;
      Buffer& buffer = buffers_.emplace_back(array->array.element, shapes[buffers_.size()]);
      fill(buffer, seed++);
      arguments_[i] = &buffer;
    }
  }

  void run() { interpret(kernel_, arguments_); }

  [[nodiscard]] std::string difference(const Launch& expected) const {
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      const Buffer& a = buffers_[i];
      const Buffer& b = expected.buffers_[i];
      if (a.byte_size() != b.byte_size()) return fmt::format("array {} has another size", i);
      const auto [at, other] = std::mismatch(a.data(), a.data() + a.byte_size(), b.data());
      if (at == a.data() + a.byte_size()) continue;
      const std::int64_t e = (at - a.data()) / a.element().bytes();
      return fmt::format("element {} of array {} is {}, not {}", e, i, to_string(a.get(e)),
                         to_string(b.get(e)));
    }
    return "";
  }

 private:
  static void fill(Buffer& buffer, std::uint64_t seed) {
    std::uint64_t state = seed * 7919;
    for (std::int64_t e = 0; e < buffer.size(); ++e) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      const auto number = static_cast<std::int64_t>(state >> 40);
      buffer.set(e,
                 static_cast<double>(buffer.element().is_index() ? number % 4 : number % 199 - 99));
    }
  }

  const Kernel& kernel_;
  std::vector<Argument> arguments_;
  std::vector<Buffer> buffers_;
};

}  // namespace

KernelPtr kernel_of(std::string_view text) {
  return parse_kernel(text, "test");
}

std::string difference(const Kernel& before, const Kernel& after, const Sizes& sizes) {
  try {
    verify(after);
    Launch expected(before, sizes);
    Launch actual(after, sizes);
    expected.run();
    actual.run();
    return actual.difference(expected);
  } catch (const UserError& error) {
    return fmt::format("{} ({})\n{}", error.what(), error.remedy(), to_text(after));
  }
}

testing::AssertionResult has(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << part << "\" in:\n" << text;
}

testing::AssertionResult lacks(const std::string& text, std::string_view part) {
  if (text.find(part) == std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "\"" << part << "\" in:\n" << text;
}

std::string body_text(const Kernel& kernel) {
  return to_text(kernel.body);
}

}  // namespace heddle::kernel
