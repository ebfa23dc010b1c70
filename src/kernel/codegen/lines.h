// Long lines of emitted text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace heddle::kernel {

/// The text behind `indent` spaces in lines of at most `columns` characters, as far as it has
/// spaces to break at; all but the first stand four further in.
std::string wrap_line(std::string_view text, std::size_t indent, std::size_t columns);

}  // namespace heddle::kernel
