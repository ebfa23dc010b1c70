#include "kernel/lexer.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace heddle::kernel {
namespace {

/// Longer symbols first. There is no >>: in fixed<8,int<...>> the two would be brackets.
constexpr std::array<std::string_view, 34> kSymbols = {
    "..", "->", "<<", "<=", ">=", "==", "!=", "&&", "||", "+=", "*=", "+", "-", "*", "/", "%", "&",
    "|",  "^",  "!",  "~",  "<",  ">",  "=",  "(",  ")",  "[",  "]",  "{", "}", ",", ":", "@", "."};
/// How much of a long line a message shows before and after the caret.
constexpr std::size_t kShownBytes = 60;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

class Lexer {
 public:
  explicit Lexer(const Source& source) : source_(source), text_(source.text) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do {
      tokens.push_back(next());
    } while (tokens.back().kind != Token::Kind::kEnd);
    return tokens;
  }

 private:
  Token next() {
    const std::string_view comment = skip_blanks();
    Token token = token_here();
    at_ += token.text.size();
    token.comment = comment;
    return token;
  }

  /// Skips blanks and comments; returns the first comment.
  std::string_view skip_blanks() {
    std::string_view first;
    while (at_ < text_.size()) {
      if (is_blank(text_[at_])) {
        ++at_;
      } else if (text_[at_] == '#') {
        const std::size_t end = std::min(text_.find('\n', at_), text_.size());
        std::string_view comment = text_.substr(at_ + 1, end - at_ - 1);
        while (!comment.empty() && is_blank(comment.front())) comment.remove_prefix(1);
        while (!comment.empty() && is_blank(comment.back())) comment.remove_suffix(1);
        if (first.empty()) first = comment;
        at_ = end;
      } else {
        break;
      }
    }
    return first;
  }

  [[nodiscard]] Token token_here() const {
    if (at_ == text_.size()) return {Token::Kind::kEnd, text_.substr(at_), {}};
    const char c = text_[at_];
    if (is_digit(c)) return number();
    if (is_word(c)) return {Token::Kind::kName, text_.substr(at_, run_of(at_, is_word)), {}};
    if (c == '"') return string();
    for (const std::string_view symbol : kSymbols) {
      if (text_.substr(at_).starts_with(symbol)) {
        return {Token::Kind::kSymbol, text_.substr(at_, symbol.size()), {}};
      }
    }
    throw source_.error(text_.substr(at_, 1),
                        fmt::format("{} begins nothing in a kernel's text", quote(character())),
                        "remove it; comments begin with #");
  }

  /// The character here, with all its bytes.
  [[nodiscard]] std::string_view character() const {
    std::size_t size = 1;
    while (size < 4 && at_ + size < text_.size() && continues_character(text_[at_ + size])) ++size;
    return text_.substr(at_, size);
  }

  template <typename Holds>
  [[nodiscard]] std::size_t run_of(std::size_t from, const Holds& holds) const {
    std::size_t end = from;
    while (end < text_.size() && holds(text_[end])) ++end;
    return end - from;
  }

  [[nodiscard]] Token number() const {
    std::size_t end = at_;
    Token::Kind kind = Token::Kind::kInteger;
    if (text_.substr(at_).starts_with("0x")) {
      const auto is_hex = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      };
      const std::size_t digits = run_of(at_ + 2, is_hex);
      end += 2 + digits;
      if (digits == 0) malformed(end);
    } else {
      end += run_of(at_, is_digit);
      // 0..n is a range, not a fraction.
      if (end + 1 < text_.size() && text_[end] == '.' && is_digit(text_[end + 1])) {
        kind = Token::Kind::kFraction;
        end += 1 + run_of(end + 1, is_digit);
      }
      if (const std::size_t exponent = exponent_at(end); exponent > 0) {
        kind = Token::Kind::kFraction;
        end += exponent;
      }
    }
    if (end < text_.size() && is_word(text_[end])) malformed(end);
    return {kind, text_.substr(at_, end - at_), {}};
  }

  /// The length of e5, e-5 or e+5 there, or 0.
  [[nodiscard]] std::size_t exponent_at(std::size_t from) const {
    if (from >= text_.size() || text_[from] != 'e') return 0;
    std::size_t sign = 0;
    if (from + 1 < text_.size() && (text_[from + 1] == '-' || text_[from + 1] == '+')) sign = 1;
    const std::size_t digits = run_of(from + 1 + sign, is_digit);
    return digits == 0 ? 0 : 1 + sign + digits;
  }

  [[noreturn]] void malformed(std::size_t end) const {
    const std::size_t size = end + run_of(end, is_word) - at_;
    throw source_.error(text_.substr(at_, size),
                        fmt::format("{} is not a number", quote(text_.substr(at_, size))),
                        "write a number like 12, 0x1f, 1.5 or 2e-3; names begin with a letter");
  }

  [[nodiscard]] Token string() const {
    for (std::size_t end = at_ + 1; end < text_.size() && text_[end] != '\n'; ++end) {
      if (text_[end] == '"') return {Token::Kind::kString, text_.substr(at_, end + 1 - at_), {}};
      if (text_[end] == '\\') ++end;
    }
    throw source_.error(text_.substr(at_, 1), "this string does not end on its line",
                        "close it with \"; write a line's end inside of it as \\n");
  }

  const Source& source_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

UserError Source::error(std::string_view at, const std::string& problem,
                        const std::string& remedy) const {
  const auto offset = static_cast<std::size_t>(at.data() - text.data());
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  // rfind's npos + 1 is 0: the first line.
  const std::size_t start = before.rfind('\n') + 1;
  const std::size_t end = std::min(text.find('\n', offset), text.size());
  std::size_t shown = offset - start > kShownBytes ? offset - kShownBytes : start;
  while (shown < offset && continues_character(text[shown])) ++shown;
  const std::string_view margin = shown > start ? "..." : "";
  std::string tail(text.substr(shown, std::min(end, offset + kShownBytes) - shown));
  std::replace(tail.begin(), tail.end(), '\t', ' ');
  while (!tail.empty() && is_blank(tail.back())) tail.pop_back();
  const std::string number = std::to_string(line);
  return {
      fmt::format("{}:{}:{}: {}\n  {} | {}{}\n  {} | {}^", shorten(name), line,
                  characters(text.substr(start, offset - start)) + 1, problem, number, margin,
                  shorten(tail), std::string(number.size(), ' '),
                  std::string(margin.size() + characters(text.substr(shown, offset - shown)), ' ')),
      remedy};
}

std::vector<Token> tokens_of(const Source& source) {
  return Lexer(source).run();
}

std::string string_value(const Source& source, const Token& token) {
  const std::string_view inner = token.text.substr(1, token.text.size() - 2);
  std::string value;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] != '\\') {
      value += inner[i];
      continue;
    }
    const std::string_view escape = inner.substr(i, 4);
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto digit = [&](std::size_t k) {
      return k < escape.size() ? kDigits.find(escape[k]) : std::string_view::npos;
    };
    if (escape.starts_with("\\n") || escape.starts_with("\\t") || escape.starts_with("\\\"") ||
        escape.starts_with("\\\\")) {
      value += escape[1] == 'n' ? '\n' : escape[1] == 't' ? '\t' : escape[1];
      i += 1;
    } else if (escape.starts_with("\\x") && digit(2) < 16 && digit(3) < 16) {
      value += static_cast<char>(digit(2) * 16 + digit(3));
      i += 3;
    } else {
      throw source.error(escape,
                         fmt::format("{} means nothing in a string", quote(escape.substr(0, 2))),
                         R"(write \n, \t, \", \\ or \x and two digits of 0-9 a-f)");
    }
  }
  return value;
}

std::string string_token(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return text + '"';
}

}  // namespace heddle::kernel
