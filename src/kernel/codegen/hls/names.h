// The names of a kernel in C++: kept, unless C++ or AMD's headers have them already.
#pragma once

#include <set>
#include <string>

namespace heddle::kernel::hls {

/// `wanted` where C++ leaves it free, else with an underscore behind it, then numbers until it is
/// not taken; adds it to `taken`.
std::string local_name(const std::string& wanted, std::set<std::string>& taken);
/// Likewise for a function, which must not be one of the C library either.
std::string function_name(const std::string& wanted, std::set<std::string>& taken);

}  // namespace heddle::kernel::hls
