// A kernel and what it calls as C++ functions, with what its callers must know of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/codegen/hls/scope.h"
#include "kernel/ir.h"

namespace heddle::kernel::hls {

/// A parameter of the top function.
struct Port {
  enum class Kind : std::uint8_t { kMemory, kOnChip, kScalar, kStream };
  Kind kind{};
  std::string name;         ///< in C++
  std::string declaration;  ///< "const ap_int<8> a[64][96]"
  std::string pointer;      ///< of arrays: the parameter's type, "const ap_int<8> (*)[96]"
  std::string type;         ///< of an element, a scalar or a stream's element: "ap_int<8>"
  std::string bundle;       ///< kMemory: the AXI port
  std::optional<int> bank;  ///< kMemory
};

struct Module {
  std::string code;  ///< the functions, called ones first
  std::string top;   ///< the kernel's function
  std::vector<Port> ports;

  /// "void gemm(const ap_int<8> a[64][96], ...)".
  [[nodiscard]] std::string prototype() const;
};

/// Throws UserError for what HLS C++ cannot say.
Module make_module(const Kernel& kernel);

}  // namespace heddle::kernel::hls
