// The files of boards/, as texts by name.
#pragma once

#include <map>
#include <string>

namespace heddle {

const std::map<std::string, std::string>& embedded_boards();

}  // namespace heddle
