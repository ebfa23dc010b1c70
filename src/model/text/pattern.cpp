#include "model/text/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/utf8.h"

namespace heddle {
namespace {

constexpr std::size_t kMaxExpression = 64 << 10;
constexpr std::uint32_t kMaxHeapKib = 256 << 10;
constexpr std::size_t kJitStackStart = 32 << 10;
constexpr std::size_t kJitStackLimit = 16 << 20;
// A sound expression takes a few steps per character; a run of white space may be walked twice by
// each of several alternatives.
constexpr std::uint64_t kMatchStepsBase = 10'000'000;
constexpr std::uint64_t kMatchStepsPerByte = 64;

template <auto free_function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};

using CodePointer = std::unique_ptr<pcre2_code, Free<pcre2_code_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Free<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Free<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Free<pcre2_match_data_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Free<pcre2_jit_stack_free>>;

std::string pcre2_message(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

PCRE2_SPTR as_pcre2(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

std::uint32_t match_limit(std::size_t bytes) {
  const std::uint64_t steps = kMatchStepsBase + kMatchStepsPerByte * bytes;
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(steps, kLargest));
}

/// Runs one compiled expression over one text.
class Matcher {
 public:
  Matcher(const pcre2_code* code, std::string_view text)
      : code_(code),
        text_(text),
        context_(pcre2_match_context_create(nullptr)),
        data_(pcre2_match_data_create_from_pattern(code, nullptr)) {
    if (!context_ || !data_) throw std::bad_alloc();
    pcre2_set_match_limit(context_.get(), match_limit(text.size()));
    pcre2_set_heap_limit(context_.get(), kMaxHeapKib);
  }

  /// 1 and the bounds if something matches at `from` or later, 0 if nothing does, or PCRE2's error.
  int search(std::size_t from, std::size_t& begin, std::size_t& end) {
    int result = match(from);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT && !stack_) {
      // The small stack that PCRE2 itself provides is nearly always enough.
      stack_.reset(pcre2_jit_stack_create(kJitStackStart, kJitStackLimit, nullptr));
      if (!stack_) throw std::bad_alloc();
      pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
      result = match(from);
    }
    if (result == PCRE2_ERROR_NOMATCH) return 0;
    if (result < 0) return result;
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data_.get());
    begin = bounds[0];
    end = bounds[1];
    // \K in a lookahead can make a match end before it begins.
    return begin >= from && begin <= end ? 1 : PCRE2_ERROR_BADOFFSET;
  }

 private:
  int match(std::size_t from) {
    return pcre2_match(code_, as_pcre2(text_), text_.size(), from, PCRE2_NO_UTF_CHECK, data_.get(),
                       context_.get());
  }

  const pcre2_code* code_;
  std::string_view text_;
  MatchContext context_;
  MatchData data_;
  JitStack stack_;
};

/// Collects matches and fills in what lies between them.
class Cover {
 public:
  void add(std::size_t begin, std::size_t end) {
    if (done_ != begin) matches_.push_back({done_, begin, false});
    matches_.push_back({begin, end, true});
    done_ = end;
  }

  std::vector<Match> finish(std::size_t size) && {
    if (done_ != size) matches_.push_back({done_, size, false});
    return std::move(matches_);
  }

 private:
  std::vector<Match> matches_;
  std::size_t done_ = 0;
};

}  // namespace

struct Pattern::Compiled {
  CodePointer code;
};

Pattern Pattern::literal(std::string text, const std::string& where) {
  if (text.empty()) {
    throw UserError(fmt::format("{}: the text to split at is empty", where),
                    "give a text of at least one character");
  }
  return {std::move(text), where};
}

Pattern Pattern::regex(const std::string& expression, const std::string& where) {
  const CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_max_pattern_length(context.get(), kMaxExpression);
  constexpr std::uint32_t kOptions =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
  int error = 0;
  PCRE2_SIZE error_offset = 0;
  CodePointer code(pcre2_compile(as_pcre2(expression), expression.size(), kOptions, &error,
                                 &error_offset, context.get()));
  if (!code) {
    throw UserError(fmt::format("{}: the regular expression does not compile: {}, at byte {} of {}",
                                where, pcre2_message(error), error_offset, shorten(expression)),
                    "write it in the syntax of PCRE2 (man pcre2pattern)");
  }
  // Where the machine has no just-in-time compiler the expression is interpreted: same result.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  Pattern pattern(expression, where);
  pattern.compiled_ = std::make_shared<const Compiled>(Compiled{std::move(code)});
  return pattern;
}

std::vector<Match> Pattern::find_all(std::string_view text) const {
  return compiled_ ? find_regex(text) : find_literal(text);
}

std::vector<Match> Pattern::find_literal(std::string_view text) const {
  Cover cover;
  std::size_t at = text.find(source_);
  while (at != std::string_view::npos) {
    cover.add(at, at + source_.size());
    at = text.find(source_, at + source_.size());
  }
  return std::move(cover).finish(text.size());
}

std::vector<Match> Pattern::find_regex(std::string_view text) const {
  Matcher matcher(compiled_->code.get(), text);
  Cover cover;
  std::optional<std::size_t> last_end;
  std::size_t from = 0;
  while (from <= text.size()) {
    std::size_t begin = 0;
    std::size_t end = 0;
    const int result = matcher.search(from, begin, end);
    if (result == 0) break;
    if (result < 0) {
      throw UserError(
          fmt::format("{}: the regular expression {} fails on a text of {} bytes, at byte {}: {}",
                      where_, shorten(source_), text.size(), from, pcre2_message(result)),
          "make the expression unambiguous (no nested repetitions), or split the text");
    }
    if (begin == end && last_end == end) {
      // An empty match right behind the last match does not count: go on behind one character.
      from += from < text.size() ? utf8_at(text, from).length : 1;
      continue;
    }
    cover.add(begin, end);
    last_end = end;
    from = end;
  }
  return std::move(cover).finish(text.size());
}

}  // namespace heddle
