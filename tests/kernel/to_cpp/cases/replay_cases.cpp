#include "kernel/to_cpp/cases/replay_cases.h"

#include "kernel/library/library.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

constexpr const char* kKernel = R"(
kernel shift(x: inout int<32,wrap>[8]) { for t in 0..8 { x[t] += 3 } }
kernel blur(x: in int<32,wrap>[8, 10], y: inout int<32,wrap>[8, 8]) {
  var sum: int<32,wrap>[8, 8]
  for i in 0..8 {
    for j in 0..8 {
      sum[i, j] = x[i, j] + x[i, j + 1] + x[i, j + 2]
    }
  }
  for k in 0..8 {
    for l in 0..8 {
      y[k, l] = sum[k, l]
    }
  }
  for m in 0..8 { call shift(y[m, 0 :]) }
}
)";

constexpr const char* kSteps = R"(
compose shift {
  split t 4
  unroll t_i
}
inline shift
peel m 3
split m 2
transpose sum 1 0
reorder l k
reuse_at x j
partition sum 0 cyclic 2
partition sum 1 complete
store_in sum lutram
bank y 1
stage y l uram
pack y 4
pipeline k 2
)";

}  // namespace

std::map<std::string, Schedule> replay_cases() {
  std::map<std::string, Schedule> cases;
  cases.emplace("blur", replay(parse_kernel(kKernel, "blur"), kSteps, "steps"));
  for (const LibraryKernel& entry : library()) {
    const LibraryArguments arguments(entry.name, entry.parameters, {});
    for (const LibrarySchedule& schedule : entry.schedules) {
      cases.emplace(entry.name + "_" + schedule.name,
                    schedule.apply(entry.make(arguments), arguments));
    }
  }
  return cases;
}

}  // namespace heddle::kernel
