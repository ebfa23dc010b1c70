#include "cost/pipeline.h"

#include <cmath>
#include <queue>

namespace heddle::cost {

std::optional<Pipeline> balanced(const std::vector<Bound>& stages, const Roof& roof) {
  const auto all = static_cast<std::int64_t>(roof.dsps);
  Pipeline pipeline;
  pipeline.dsps.resize(stages.size(), 0);
  double work = 0;  // In seconds of all DSPs.
  const auto seconds = [&](std::size_t stage) {
    return stages[stage].compute_seconds * roof.dsps / static_cast<double>(pipeline.dsps[stage]);
  };
  for (std::size_t i = 0; i < stages.size(); ++i) {
    pipeline.memory_seconds += stages[i].memory_seconds;
    if (stages[i].compute_seconds == 0) continue;
    pipeline.dsps[i] = 1;
    ++pipeline.depth;
    work += stages[i].compute_seconds;
  }
  if (pipeline.depth == 0 || pipeline.depth > all) return std::nullopt;
  // One DSP after the other to whichever stage is the slowest: no other choice lowers the maximum.
  std::priority_queue<std::pair<double, std::size_t>> slowest;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (pipeline.dsps[i] > 0) slowest.emplace(seconds(i), i);
  }
  for (std::int64_t given = pipeline.depth; given < all; ++given) {
    const std::size_t stage = slowest.top().second;
    slowest.pop();
    ++pipeline.dsps[stage];
    slowest.emplace(seconds(stage), stage);
  }
  pipeline.compute_seconds = slowest.top().first;
  pipeline.busy = work / pipeline.interval();
  return pipeline;
}

}  // namespace heddle::cost
