// Single edits of SystemVerilog text, as a slip of the compiler would make them.
#pragma once

#include <string>
#include <vector>

namespace heddle::kernel {

struct Edit {
  std::string kind;  ///< "operator", "constant", "index", "enable", "held", "parameter"
  std::size_t line = 0;
  std::string before;  ///< the line
  std::string after;
};

/// All edits of the text's statements: of its ports and declarations there are none.
std::vector<Edit> edits_of(const std::string& text);

/// The text with the edit made.
std::string edited(const std::string& text, const Edit& edit);

}  // namespace heddle::kernel
