#include "cost/liveness.h"

#include <algorithm>
#include <limits>
#include <map>

#include "cost/activations.h"
#include "cost/walk.h"

namespace heddle::cost {
namespace {

/// A value in one trip of the loop that makes it.
using Instance = std::size_t;
constexpr Instance kNone = std::numeric_limits<Instance>::max();

struct Step {
  std::string name;
  std::size_t stage = 0;
  std::vector<Instance> touched;  ///< read and made
};

/// The run of a Graph as steps without loops.
class Unrolled {
 public:
  explicit Unrolled(const Graph& graph)
      : graph_(graph),
        roles_(activation_roles(graph)),
        is_inner_(inner_values(graph)),
        instance_(graph.values.size(), kNone),
        pending_(graph.values.size()) {
    for (std::size_t i = 0; i < graph.values.size(); ++i) {
      if (graph.values[i].kind == ValueKind::kInput) given.push_back(begin(i));
    }
    for (const Node& node : graph.nodes) run(node);
    for (const ValueId output : graph.outputs) left.push_back(instance_[output.index]);
  }

  std::vector<Step> steps;
  std::vector<ActivationCount> sizes;  ///< of instances
  std::vector<Instance> given;
  std::vector<Instance> left;

 private:
  Instance begin(std::size_t value) {
    sizes.push_back(count_of(graph_.values[value], roles_[value]));
    return instance_[value] = sizes.size() - 1;
  }

  void run(const Node& node) {
    if (const auto* loop = std::get_if<Loop>(&node.what)) {
      run(*loop);
      return;
    }
    const auto& op = std::get<Operator>(node.what);
    if (is_view(op)) {
      instance_[node.output.index] = instance_[node.inputs.front().index];
      return;
    }
    std::vector<Instance> touched;
    for (const ValueId input : node.inputs) {
      if (is_inner_[input.index]) {
        const std::vector<Instance>& before = pending_[input.index];
        touched.insert(touched.end(), before.begin(), before.end());
      } else if (instance_[input.index] != kNone) {
        touched.push_back(instance_[input.index]);
      }
    }
    if (is_inner_[node.output.index]) {
      pending_[node.output.index] = std::move(touched);
      return;
    }
    touched.push_back(begin(node.output.index));
    steps.push_back({graph_[node.output].name, node.stage, std::move(touched)});
  }

  void run(const Loop& loop) {
    constexpr std::int64_t kTripsThatDiffer = 3;
    for (const Loop::Carried& carried : loop.carried) {
      instance_[carried.current.index] = instance_[carried.initial.index];
    }
    for (const Loop::Scanned& scanned : loop.scanned) {
      instance_[scanned.row.index] = instance_[scanned.source.index];
    }
    for (std::int64_t trip = 0; trip < std::min(loop.trips, kTripsThatDiffer); ++trip) {
      for (const Node& node : loop.body) run(node);
      for (const Loop::Carried& carried : loop.carried) {
        instance_[carried.current.index] = instance_[carried.next.index];
      }
    }
    for (const Loop::Carried& carried : loop.carried) {
      instance_[carried.result.index] = instance_[carried.next.index];
    }
  }

  const Graph& graph_;
  const std::vector<std::optional<ActivationRole>> roles_;
  const std::vector<bool> is_inner_;
  std::vector<Instance> instance_;              ///< by value, its latest
  std::vector<std::vector<Instance>> pending_;  ///< what a chain that ends in a value has read
};

/// The steps between which an instance lives, both included.
struct Lifetime {
  Instance instance = kNone;
  std::size_t first = 0;
  std::size_t last = 0;
};

std::vector<Lifetime> lifetimes(const Unrolled& run, Keeping keeping) {
  // Of a whole run there is one lifetime of each instance; of stages one for each stage.
  std::map<std::pair<std::size_t, Instance>, Lifetime> found;
  const auto touch = [&](Instance instance, std::size_t stage, std::size_t time) {
    if (instance == kNone) return;
    const auto [at, is_new] = found.try_emplace({stage, instance}, instance, time, time);
    at->second.first = std::min(at->second.first, time);
    at->second.last = std::max(at->second.last, time);
  };
  const bool is_whole = keeping == Keeping::kUntilRead;
  for (std::size_t time = 0; time < run.steps.size(); ++time) {
    const std::size_t stage = is_whole ? 0 : run.steps[time].stage;
    for (const Instance instance : run.steps[time].touched) touch(instance, stage, time);
  }
  if (is_whole && !run.steps.empty()) {
    for (const Instance instance : run.given) touch(instance, 0, 0);
    for (const Instance instance : run.left) touch(instance, 0, run.steps.size() - 1);
  }
  std::vector<Lifetime> all;
  all.reserve(found.size());
  for (const auto& [key, lifetime] : found) all.push_back(lifetime);
  return all;
}

}  // namespace

std::vector<Moment> live_activations(const Graph& graph, Keeping keeping) {
  const Unrolled run(graph);
  // What begins and what has ended at each step.
  std::vector<ActivationCount> change(run.steps.size() + 1);
  for (const Lifetime& lifetime : lifetimes(run, keeping)) {
    change[lifetime.first] += run.sizes[lifetime.instance];
    change[lifetime.last + 1] += run.sizes[lifetime.instance] * -1;
  }
  std::vector<Moment> moments;
  moments.reserve(run.steps.size());
  ActivationCount live;
  for (std::size_t time = 0; time < run.steps.size(); ++time) {
    live += change[time];
    moments.push_back({run.steps[time].name, run.steps[time].stage, live});
  }
  return moments;
}

double peak_bytes(const std::vector<Moment>& moments, const Precision& precision) {
  double peak = 0;
  for (const Moment& moment : moments) peak = std::max(peak, precision.bytes(moment.live));
  return peak;
}

double peak_bytes(const std::vector<Moment>& moments, const Precision& precision,
                  std::size_t stage) {
  double peak = 0;
  for (const Moment& moment : moments) {
    if (moment.stage == stage) peak = std::max(peak, precision.bytes(moment.live));
  }
  return peak;
}

std::int64_t peak_elements(const std::vector<Moment>& moments) {
  std::int64_t peak = 0;
  for (const Moment& moment : moments) peak = std::max(peak, moment.live.total());
  return peak;
}

}  // namespace heddle::cost
