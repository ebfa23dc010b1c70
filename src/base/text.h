// Text in messages: quoting names that come from untrusted files, and guessing what was meant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heddle {

/// At most `limit` bytes of `text`, cut between UTF-8 characters and then marked with "...".
/// Control characters become '?', so that no file can steer a terminal through a message.
std::string shorten(std::string_view text, std::size_t limit = 160);

/// shorten(text) in double quotes.
std::string quote(std::string_view text);

/// The candidates that differ from `wanted` by the fewest inserted, removed or replaced bytes
/// (Levenshtein distance), nearest first; those that differ in more than half are left out.
std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> candidates,
                                 std::size_t limit = 3);

}  // namespace heddle
