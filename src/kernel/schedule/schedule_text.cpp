// Schedules as files and as C++.
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/text.h"
#include "kernel/schedule/primitive.h"
#include "kernel/schedule/schedule.h"

namespace heddle::kernel {
namespace {

std::string indent(int depth) {
  return std::string(static_cast<std::size_t>(2 * depth), ' ');
}

void write_text(std::string& text, const std::vector<Step>& steps, int depth) {
  for (const Step& step : steps) {
    text += indent(depth) + step.primitive;
    for (const std::string& word : step.arguments) text += " " + word;
    if (step.primitive == "compose") {
      text += " {\n";
      write_text(text, step.inner, depth + 1);
      text += indent(depth) + "}";
    }
    text += "\n";
  }
}

// C++

std::string enumerator(std::string word) {
  word.front() = static_cast<char>(word.front() - 'a' + 'A');
  return "k" + word;
}

std::string cpp_list(const std::vector<std::string>& words, std::size_t from, bool quoted) {
  std::vector<std::string> items;
  for (std::size_t i = from; i < words.size(); ++i) {
    items.push_back(quoted ? fmt::format("\"{}\"", words[i]) : words[i]);
  }
  return fmt::format("{{{}}}", fmt::join(items, ", "));
}

std::string cpp_argument(const Slot& slot, const std::vector<std::string>& words, std::size_t at) {
  switch (slot.kind) {
    case SlotKind::kName:
      return fmt::format("\"{}\"", words[at]);
    case SlotKind::kInteger:
    case SlotKind::kInstruction:  // a KernelPtr of that name
      return words[at];
    case SlotKind::kStorage:
      return "Storage::" + enumerator(words[at]);
    case SlotKind::kPartition: {
      const Partition partition = partition_of(words, at);
      return fmt::format("{{Partition::Kind::{}, {}}}", enumerator(words[at]), partition.factor);
    }
    case SlotKind::kNames:
      return cpp_list(words, at, true);
    case SlotKind::kIntegers:
      return cpp_list(words, at, false);
  }
  throw InternalError("an argument of no kind");
}

void write_cpp(std::string& text, const std::vector<Step>& steps, const std::string& name,
               int depth) {
  for (const Step& step : steps) {
    if (step.primitive == "compose") {
      // Blocks inside of blocks: each schedule gets a name of its own.
      const std::string& callee = step.arguments.at(0);
      const std::string inner = fmt::format("{}_of_{}", callee, name);
      text += fmt::format("{}{{\n{}Schedule {}(find_callee(*{}.kernel(), \"{}\"));\n",
                          indent(depth), indent(depth + 1), inner, name, callee);
      write_cpp(text, step.inner, inner, depth + 1);
      text +=
          fmt::format("{}{}.compose({});\n{}}}\n", indent(depth + 1), name, inner, indent(depth));
      continue;
    }
    const Primitive& primitive = find_primitive(step.primitive);
    std::vector<std::string> arguments;
    for (std::size_t i = 0; i < primitive.slots.size() && i < step.arguments.size(); ++i) {
      arguments.push_back(cpp_argument(primitive.slots[i], step.arguments, i));
    }
    text += fmt::format("{}{}.{}({});\n", indent(depth), name, primitive.method,
                        fmt::join(arguments, ", "));
  }
}

// Files

/// A line with words in it.
struct Line {
  int number = 0;
  std::vector<std::string> words;
};

std::vector<Line> read_lines(std::string_view text) {
  std::vector<Line> lines;
  std::istringstream stream{std::string(text)};
  std::string content;
  for (int number = 1; std::getline(stream, content); ++number) {
    content.resize(std::min(content.find('#'), content.size()));
    std::istringstream words(content);
    Line line{number, {}};
    for (std::string word; words >> word;) line.words.push_back(std::move(word));
    if (!line.words.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

/// Takes the steps of a file.
class Replayer {
 public:
  Replayer(std::string_view text, const std::string& source)
      : lines_(read_lines(text)), source_(source) {}

  Schedule run(const KernelPtr& kernel, const std::vector<KernelPtr>& instructions) {
    Schedule schedule(kernel);
    schedule.add_instructions(instructions);
    take_steps(schedule, nullptr);
    return schedule;
  }

 private:
  /// Up to the end of the file, or to the } that closes the block which `opened` begins (there is
  /// one).
  void take_steps(Schedule& schedule, const Line* opened) {
    for (; at_ < lines_.size(); ++at_) {
      const Line& line = lines_[at_];
      if (line.words[0] == "}") {
        if (opened != nullptr && line.words.size() == 1) return;
        fail(line, opened ? "something stands behind }" : "this } closes no compose block",
             "end a compose block with a line that is only }");
      }
      if (line.words[0] == "compose") {
        take_block(schedule, line);
      } else {
        located(line, [&] {
          schedule.apply({line.words[0], {line.words.begin() + 1, line.words.end()}, {}});
        });
      }
    }
  }

  static bool begins_block(const Line& line) {
    return line.words.size() == 3 && line.words[0] == "compose" && line.words[2] == "{";
  }

  /// Before anything of the block is looked at: what it lacks may be why its steps make no sense.
  void check_closed(const Line& opened) const {
    int depth = 0;
    for (std::size_t i = at_; i < lines_.size(); ++i) {
      if (begins_block(lines_[i])) ++depth;
      if (lines_[i].words[0] == "}" && --depth == 0) return;
    }
    fail(opened, "this compose block is not closed", "end it with a line that is only }");
  }

  void take_block(Schedule& schedule, const Line& line) {
    if (!begins_block(line)) {
      fail(line, "a compose block does not begin like this",
           fmt::format("write: {}, each on lines of their own", find_primitive("compose").form()));
    }
    check_closed(line);
    KernelPtr callee;
    located(line, [&] { callee = find_callee(*schedule.kernel(), line.words[1]); });
    Schedule inner(callee);
    inner.add_instructions(schedule.instructions_);
    ++at_;
    take_steps(inner, &line);
    located(line, [&] { schedule.compose(inner); });
  }

  template <typename Action>
  void located(const Line& line, const Action& action) const {
    try {
      action();
    } catch (const UserError& error) {
      fail(line, error.what(), error.remedy());
    }
  }

  [[noreturn]] void fail(const Line& line, const std::string& problem,
                         const std::string& remedy) const {
    throw UserError(fmt::format("{}:{}: {}", source_, line.number, problem), remedy);
  }

  std::vector<Line> lines_;
  const std::string& source_;
  std::size_t at_ = 0;
};

std::string to_text(const std::vector<Step>& steps) {
  std::string text;
  write_text(text, steps, 0);
  return text;
}

std::string to_cpp(const std::vector<Step>& steps, const std::string& name) {
  std::string text;
  write_cpp(text, steps, name, 0);
  return text;
}

Schedule replay(const KernelPtr& kernel, std::string_view text, const std::string& source,
                const std::vector<KernelPtr>& instructions) {
  return Replayer(text, source).run(kernel, instructions);
}

}  // namespace heddle::kernel
