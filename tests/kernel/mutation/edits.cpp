#include "kernel/mutation/edits.h"

#include <fmt/core.h>

#include <functional>
#include <regex>
#include <sstream>

namespace heddle::kernel {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// What stands in the place of a match; the same text again: nothing.
using Change = std::function<std::string(const std::smatch&)>;
struct Rule {
  std::string kind;
  std::regex pattern;
  Change change;
};

Change instead(const std::string& text) {
  return [text](const std::smatch&) { return text; };
}

/// The next literal of as many bits, or the one before.
std::string neighbour(const std::smatch& match) {
  const int width = std::stoi(match[1]);
  const unsigned long long value = std::stoull(match[2]);
  const bool is_last = width < 64 && value + 1 == 1ULL << width;
  return fmt::format("{}'d{}", width, is_last ? value - 1 : value + 1);
}

std::string next_index(const std::smatch& match) {
  const int value = std::stoi(match[1]);
  return fmt::format("[{}]", value > 0 ? value - 1 : 1);
}

std::vector<Rule> make_rules() {
  std::vector<Rule> rules;
  const auto add = [&](const std::string& kind, const std::string& pattern, Change change) {
    rules.push_back({kind, std::regex(pattern), std::move(change)});
  };
  add("operator", R"( \+ (?![^\[\]]*\+:))", instead(" - "));
  add("operator", " - ", instead(" + "));
  add("operator", R"( \* (?![^\[\]]*\+:))", instead(" + "));
  add("operator", " < ", instead(" <= "));
  add("operator", " == ", instead(" != "));
  add("operator", " & ", instead(" | "));
  add("operator", R"( \| )", instead(" & "));
  add("operator", " >>> ", instead(" <<< "));
  add("operator", R"(~(?=\w))", instead(""));
  add("operator", R"((\S+) \? )", [](const auto& m) { return fmt::format("!{} ? ", m.str(1)); });
  add("constant", R"((\d+)'d(\d+))", neighbour);
  add("index", R"(\[(\d+)\])", next_index);
  add("index", R"(\[([^\[\]]+) \+: )",
      [](const auto& m) { return fmt::format("[({}) + 1 +: ", m.str(1)); });
  add("enable", R"(if \(ce\))", instead("if (1'b1)"));
  add("enable", R"(if \((?!ce\)|rst)([^()]+)\))",
      [](const auto& m) { return fmt::format("if (~({}))", m.str(1)); });
  add("enable", R"((= )ce & )", instead("= "));
  add("enable", R"(\.(we|re)\()", [](const auto& m) { return fmt::format(".{}(~", m.str(1)); });
  add("held", R"(^( *(?:.*\) )?)(\w+) <= .*;$)",
      [](const auto& m) { return fmt::format("{0}{1} <= {1};", m.str(1), m.str(2)); });
  add("parameter", R"(\.(\w*SIGNED)\((\d)\))",
      [](const auto& m) { return fmt::format(".{}({})", m.str(1), m.str(2) == "0" ? 1 : 0); });
  add("parameter", R"(\.LATENCY\((\d+)\))",
      [](const auto& m) { return fmt::format(".LATENCY({})", std::stoi(m.str(1)) + 1); });
  add("parameter", R"(\.(REMAINDER|OPERATION|TO_NEAREST)\((\d)\))",
      [](const auto& m) { return fmt::format(".{}({})", m.str(1), m.str(2) == "0" ? 1 : 0); });
  return rules;
}

bool is_statement(const std::string& line) {
  static const std::regex kOther(
      R"(^\s*(//|/\*|module|endmodule|input|output|for \(genvar|end|\)|(wire|logic)( signed)?( \[[^\]]*\])? \w+(, \w+)*;).*)");
  return !line.empty() && !std::regex_match(line, kOther);
}

}  // namespace

std::vector<Edit> edits_of(const std::string& text) {
  static const std::vector<Rule> kRules = make_rules();
  std::vector<Edit> edits;
  const std::vector<std::string> lines = lines_of(text);
  for (std::size_t number = 0; number < lines.size(); ++number) {
    const std::string& line = lines[number];
    if (!is_statement(line)) continue;
    for (const Rule& rule : kRules) {
      for (std::sregex_iterator match(line.begin(), line.end(), rule.pattern), end; match != end;
           ++match) {
        const std::string whole =
            line.substr(0, static_cast<std::size_t>(match->position())) + rule.change(*match) +
            line.substr(static_cast<std::size_t>(match->position() + match->length()));
        if (whole != line) edits.push_back({rule.kind, number, line, whole});
      }
    }
  }
  return edits;
}

std::string edited(const std::string& text, const Edit& edit) {
  std::string result;
  const std::vector<std::string> lines = lines_of(text);
  for (std::size_t number = 0; number < lines.size(); ++number) {
    result += (number == edit.line ? edit.after : lines[number]) + '\n';
  }
  return result;
}

}  // namespace heddle::kernel
