#include "model/text/vocabulary.h"

#include <limits>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace heddle {
namespace {

/// The id of one entry, checked to lie in [0, count).
std::size_t read_id(const std::string& token, const Json& id, std::size_t count,
                    const std::string& where) {
  const std::string remedy =
      fmt::format("its {} tokens must be numbered 0 to {}; fetch the file again", count, count - 1);
  if (!id.is_number_integer()) {
    throw UserError(fmt::format("{}: the id of token {} should be an integer, found {}", where,
                                quote(token), shorten(id.dump())),
                    remedy);
  }
  const bool fits = id.is_number_unsigned() && id.get<std::uint64_t>() < count;
  if (!fits) {
    throw UserError(fmt::format("{}: token {} has the id {}", where, quote(token), id.dump()),
                    remedy);
  }
  return id.get<std::size_t>();
}

}  // namespace

Vocabulary Vocabulary::from_json(const Json& value, const std::string& where) {
  const JsonObject object(value, where);
  if (value.empty() || value.size() > std::numeric_limits<std::int32_t>::max()) {
    throw UserError(fmt::format("{}: a vocabulary of {} tokens", where, value.size()),
                    "check that this is the file you meant");
  }
  Vocabulary vocabulary;
  vocabulary.tokens_.resize(value.size());
  std::vector<bool> taken(value.size());
  for (const auto& [token, id] : value.items()) {
    const std::size_t index = read_id(token, id, value.size(), where);
    if (taken[index]) {
      throw UserError(fmt::format("{}: tokens {} and {} share the id {}", where,
                                  quote(vocabulary.tokens_[index]), quote(token), index),
                      "give each token an id of its own, or fetch the file again");
    }
    taken[index] = true;
    vocabulary.tokens_[index] = token;
    vocabulary.ids_.emplace(token, static_cast<std::int32_t>(index));
  }
  return vocabulary;
}

std::int32_t Vocabulary::append(std::string token) {
  const auto id = static_cast<std::int32_t>(tokens_.size());
  const bool is_new = ids_.emplace(token, id).second;
  ensure(is_new, "token \"{}\" is already in the vocabulary", token);
  tokens_.push_back(std::move(token));
  return id;
}

std::optional<std::int32_t> Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string& Vocabulary::token_of(std::int32_t id) const {
  ensure(id >= 0 && static_cast<std::size_t>(id) < tokens_.size(), "no token has the id {}", id);
  return tokens_[static_cast<std::size_t>(id)];
}

}  // namespace heddle
