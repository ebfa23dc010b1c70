#include "kernel/cursor.h"

#include "base/text.h"

namespace heddle::kernel {

const Token& Cursor::peek(std::size_t ahead) const {
  const std::size_t last = tokens_.size() - 1;
  return tokens_[ahead < last - next_ ? next_ + ahead : last];
}

bool Cursor::at(std::string_view text, std::size_t ahead) const {
  return peek(ahead).text == text && peek(ahead).kind != Token::Kind::kEnd;
}

bool Cursor::at_name(std::size_t ahead) const {
  return peek(ahead).kind == Token::Kind::kName;
}

Token Cursor::next() {
  const Token token = peek();
  if (next_ + 1 < tokens_.size()) ++next_;
  return token;
}

bool Cursor::accept(std::string_view text) {
  if (!at(text)) return false;
  next();
  return true;
}

void Cursor::expect(std::string_view text) {
  if (!accept(text)) throw expected(text, fmt::format("write {} here", text));
}

Token Cursor::expect_name(std::string_view what) {
  if (!at_name()) {
    throw expected(fmt::format("the name of {}", what),
                   "write a name: a letter, then letters, digits and _");
  }
  return next();
}

std::int64_t Cursor::expect_integer(std::string_view what, std::int64_t low, std::int64_t high) {
  const std::string range = fmt::format("write a whole number from {} to {}", low, high);
  const bool is_negative = accept("-");
  if (peek().kind != Token::Kind::kInteger) throw expected(what, range);
  const Token token = next();
  const bool is_hex = token.text.starts_with("0x");
  std::int64_t value = 0;
  bool fits = true;
  for (const char c : token.text.substr(is_hex ? 2 : 0)) {
    const std::int64_t digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    fits = fits && !__builtin_mul_overflow(value, is_hex ? 16 : 10, &value) &&
           !__builtin_add_overflow(value, digit, &value);
  }
  if (is_negative) value = -value;
  if (!fits || value < low || value > high) {
    throw error(token,
                fmt::format("{} is {}{}", what, is_negative ? "-" : "", shorten(token.text, 40)),
                range);
  }
  return value;
}

std::string Cursor::expect_string(std::string_view what) {
  if (peek().kind != Token::Kind::kString) throw expected(what, "write it in double quotes");
  return string_value(source_, next());
}

UserError Cursor::error(const Token& token, const std::string& problem,
                        const std::string& remedy) const {
  return source_.error(token.text, problem, remedy);
}

UserError Cursor::expected(std::string_view what, const std::string& remedy) const {
  const Token& found = peek();
  return error(found,
               fmt::format("expected {}, found {}", what,
                           found.kind == Token::Kind::kEnd ? "the end of the text"
                                                           : shorten(found.text, 40)),
               remedy);
}

UserError Cursor::unknown(const Token& name, std::string_view what,
                          const std::vector<std::string>& known) const {
  const std::vector<std::string> near = nearest(name.text, known);
  constexpr std::size_t kMostListed = 12;
  std::string remedy = fmt::format("declare {} of that name before this line", what);
  if (!near.empty()) {
    remedy = fmt::format("did you mean {}?", fmt::join(near, ", "));
  } else if (!known.empty() && known.size() <= kMostListed) {
    remedy = fmt::format("here there are {}", fmt::join(known, ", "));
  }
  return error(name, fmt::format("{} is not the name of {} here", quote(name.text), what), remedy);
}

}  // namespace heddle::kernel
