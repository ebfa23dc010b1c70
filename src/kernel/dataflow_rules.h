// Who meets whom in a Dataflow: one writer and one later reader for each stream channel and array.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "kernel/verify.h"

namespace heddle::kernel {

/// The first rule on Dataflow (see verify()) that `dataflow` breaks. `streams` are those declared
/// around it, by name. Channels in loops are taken as ranges, so that a rule may be seen broken
/// where processes use interleaved channels; never the other way about.
std::optional<Violation> dataflow_violation(const Dataflow& dataflow,
                                            const std::map<std::string, const Stream*>& streams);

}  // namespace heddle::kernel
