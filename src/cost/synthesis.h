// The area of emitted hardware: synthesised by Yosys, module by module.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cost/cells.h"

namespace heddle::cost {

struct SynthesisOptions {
  std::map<std::string, std::string> parameters;  ///< of the top module, as Verilog literals
  std::filesystem::path cache;  ///< where results are kept; empty: default_cache()
};

/// A module synthesised by itself: hand-written primitives (rtl/) below it belong to it, flattened
/// but for arrays of DSPs; other modules are left out.
struct ModuleArea {
  std::string module;
  std::int64_t instances = 0;  ///< in the whole design
  Resources each;              ///< of one instance
  bool cached = false;         ///< whether an earlier call had synthesised it
};

/// The modules below `top`, `top` first, others by name. `files` are SystemVerilog texts, each of
/// one module and named after it. A module is synthesised again when its text, that of a module it
/// uses, the parameters or Yosys change. Throws UserError if there is no Yosys or no room for
/// results, and InternalError with Yosys' complaint if it does not take the text.
std::vector<ModuleArea> synthesise(const std::map<std::string, std::string>& files,
                                   const std::string& top, const SynthesisOptions& options = {});

/// All instances of all modules.
Resources total_of(const std::vector<ModuleArea>& modules);

}  // namespace heddle::cost
