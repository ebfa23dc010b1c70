// Properties of kernels' text, on random kernels and random damage.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "kernel/random_kernel.h"
#include "kernel/text.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

Tape arbitrary_tape() {
  const int length = *rc::gen::inRange(0, 600);
  return Tape(*rc::gen::container<std::vector<std::uint32_t>>(static_cast<std::size_t>(length),
                                                              rc::gen::arbitrary<std::uint32_t>()));
}

RC_GTEST_PROP(KernelTextProperty, ReadsBackAsAnEqualKernel, ()) {
  Tape tape = arbitrary_tape();
  const Kernel kernel = random_kernel(tape);
  const std::string text = to_text(kernel);
  RC_LOG(text);
  const KernelPtr parsed = parse_kernel(text, "printed");
  RC_ASSERT(equal(*parsed, kernel));
  RC_ASSERT(parsed->summary == kernel.summary);
  RC_ASSERT(to_text(*parsed) == text);
}

/// The text with a piece removed, doubled, replaced or put in.
std::string damaged(std::string text, Tape& tape) {
  constexpr std::array<const char*, 48> kPieces = {
      "{",      "}",      "(",    ")",       "[",        "]",       ",",    ":",
      "..",     "=",      "+=",   "min=",    "-",        "!",       "~",    "<",
      ">",      ">>",     "&&",   "|",       "#",        "\"",      "\\",   "@",
      "for i ", " in ",   "if ",  "else ",   "var ",     "put ",    "get ", "call ",
      "int<8>", "fixed<", "raw ", "nan",     "-inf",     "0x",      "1e40", "99999999999",
      "index",  "bool{",  "true", "stream ", "process ", "unroll ", "\xff", "\n"};
  const auto size = static_cast<std::uint32_t>(text.size());
  const std::size_t at = tape.next() % (size + 1);
  const std::size_t length = tape.next() % (tape.flip() ? 4U : 40U);
  switch (tape.below(4)) {
    case 0:
      return text.erase(at, length);
    case 1:
      return text.insert(at, kPieces.at(tape.next() % kPieces.size()));
    case 2:
      return text.replace(at, length, kPieces.at(tape.next() % kPieces.size()));
    default:
      return text.insert(tape.next() % (size + 1), std::string(text.substr(at, length)));
  }
}

RC_GTEST_PROP(KernelTextProperty, IsReadOrRefusedHoweverItIsDamaged, ()) {
  Tape tape = arbitrary_tape();
  const std::string intact = to_text(random_kernel(tape));
  Tape damage = arbitrary_tape();
  for (int i = 0; i < 20; ++i) {
    std::string text = intact;
    for (int k = damage.below(3); k >= 0; --k) text = damaged(std::move(text), damage);
    RC_LOG(text);
    try {
      const KernelPtr kernel = parse_kernel(text, "damaged");
      RC_ASSERT(!find_violation(*kernel).has_value());
      RC_ASSERT(equal(*parse_kernel(to_text(*kernel), "printed"), *kernel));
    } catch (const UserError& mistake) {
      RC_ASSERT(std::string(mistake.what()).starts_with("damaged:"));
      RC_ASSERT(!mistake.remedy().empty());
    }
  }
}

}  // namespace
}  // namespace heddle::kernel
