// compute_at: a producer's nest moves into its consumer's.
#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/nest.h"

namespace heddle::kernel {
namespace {

/// The statements in question: all in one block.
struct Scene {
  std::string step;
  Place producer;
  Place consumer;
  std::vector<Stmt> between;  ///< the statements after the producer, before the consumer's nest
  Stmt consumer_nest;
  std::vector<Stmt> chain;  ///< the consumer's loops from its nest's outermost to `consumer`
  Band band;                ///< the producer's loops that run in step with the chain
  std::vector<std::int64_t> shifts;  ///< producer's counter minus consumer's, for each loop
};

[[noreturn]] void refuse_scene(const Kernel& kernel, const Scene& scene, const std::string& reason,
                               const std::string& remedy) {
  refuse(kernel,
         {scene.step,
          reason,
          {{scene.producer.statement, "<-- producer"}, {scene.consumer.statement, "<-- consumer"}},
          remedy});
}

/// The ancestors of the consumer below the producer's block, outermost first.
std::vector<Stmt> path_below(const Kernel& kernel, const Scene& scene) {
  std::vector<Stmt> path = scene.consumer.around;
  path.push_back(scene.consumer.statement);
  const auto& around = scene.producer.around;
  for (std::size_t i = 0; i < around.size(); ++i) {
    if (i < path.size() && path[i] == around[i]) continue;
    refuse_scene(kernel, scene, "the consumer's nest is not in the same block as the producer",
                 "name the outermost loop of a nest that stands beside the consumer's nest");
  }
  path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(around.size()));
  if (around.empty() || as<Block>(around.back()) == nullptr || path.empty() ||
      path.front() == scene.producer.statement) {
    refuse_scene(kernel, scene, "producer and consumer are one nest",
                 "name the outermost loop of a nest that stands before the consumer's nest");
  }
  return path;
}

void find_between(const Kernel& kernel, Scene& scene) {
  const std::vector<Stmt>& body = as<Block>(scene.producer.around.back())->body;
  const auto from = std::find(body.begin(), body.end(), scene.producer.statement);
  const auto to = std::find(body.begin(), body.end(), scene.consumer_nest);
  if (to < from) {
    refuse_scene(kernel, scene, "the producer stands behind the consumer",
                 "compute_at PRODUCER CONSUMER, the producer first");
  }
  scene.between.assign(from + 1, to);
}

Scene scene_of(const Kernel& kernel, const std::string& producer, const std::string& consumer) {
  Scene scene;
  scene.step = fmt::format("compute_at {} {}", producer, consumer);
  scene.producer = find_loop(kernel, producer);
  scene.consumer = find_loop(kernel, consumer);
  const std::vector<Stmt> path = path_below(kernel, scene);
  scene.consumer_nest = path.front();
  find_between(kernel, scene);
  for (const Stmt& stmt : path) {
    if (as<For>(stmt)) {
      scene.chain.push_back(stmt);
    } else if (!as<Block>(stmt)) {
      refuse_scene(kernel, scene, "something else than loops stands around the consumer's loop",
                   "take this step before a split or dataflow puts an if or a process there");
    }
  }
  scene.band = band_from(scene.producer.statement);
  const std::size_t depth = scene.chain.size();
  std::erase_if(scene.band.guards, [&](const Band::Guard& guard) { return guard.depth > depth; });
  const bool has_guard = std::any_of(scene.band.guards.begin(), scene.band.guards.end(),
                                     [&](const Band::Guard& guard) { return guard.depth < depth; });
  if (scene.band.loops.size() < depth || has_guard) {
    refuse_scene(kernel, scene,
                 fmt::format("{} loops lead to {}, but the producer has only {} loops directly "
                             "inside of one another",
                             depth, consumer, scene.band.loops.size()),
                 "choose a loop further out in the consumer's nest");
  }
  scene.band.loops.resize(depth);
  scene.band.body = scene.band.loop(depth - 1).body;
  return scene;
}

/// What the producer's counters become inside of the consumer; finds the shifts.
std::map<std::string, Expr> match_loops(const Kernel& kernel, Scene& scene) {
  std::map<std::string, Expr> values;
  for (std::size_t i = 0; i < scene.chain.size(); ++i) {
    const For& mine = scene.band.loop(i);
    const For& theirs = *as<For>(scene.chain[i]);
    const Expr lower = substitute(mine.lower, values);
    const Expr upper = substitute(mine.upper, values);
    const auto shift = difference(lower, theirs.lower);
    if (!shift || shift != difference(upper, theirs.upper)) {
      refuse_scene(kernel, scene,
                   fmt::format("{} runs over {}..{} and {} over {}..{}: they cannot run in step",
                               mine.name, to_string(mine.lower), to_string(mine.upper), theirs.name,
                               to_string(theirs.lower), to_string(theirs.upper)),
                   "choose a loop further out in the consumer's nest, or split both alike");
    }
    scene.shifts.push_back(*shift);
    values[mine.name] =
        simplify(variable(theirs.name, index_type()) + constant(index_type(), Int128{*shift}));
  }
  return values;
}

void check_bounds_stay(const Kernel& kernel, const Scene& scene) {
  std::vector<Stmt> passed = scene.between;
  passed.push_back(scene.producer.statement);
  passed.push_back(scene.consumer_nest);
  const Stmt all = make_stmt(Block{passed});
  for (const Stmt& stmt : scene.band.loops) {
    const auto array = changed_bound(*as<For>(stmt), all);
    if (!array) continue;
    refuse_scene(kernel, scene,
                 fmt::format("the bounds of {} read {}, which is written there",
                             as<For>(stmt)->name, *array),
                 fmt::format("copy what the bounds read of {} into another array first", *array));
  }
}

void check_lost_marks(const Kernel& kernel, const Scene& scene) {
  for (std::size_t i = 0; i < scene.chain.size(); ++i) {
    const LoopMarks& mine = scene.band.loop(i).marks;
    const LoopMarks& theirs = as<For>(scene.chain[i])->marks;
    const bool is_lost = (mine.parallel && !theirs.parallel) || (mine.unroll && !theirs.unroll) ||
                         (mine.pipeline && mine.pipeline != theirs.pipeline);
    if (!is_lost) continue;
    refuse_scene(kernel, scene,
                 fmt::format("{} disappears, with a mark that {} has not", scene.band.loop(i).name,
                             as<For>(scene.chain[i])->name),
                 "take this step before the producer's loops are marked");
  }
}

/// When statements of the consumer's nest run before the producer's part of the same iteration.
class Order {
 public:
  explicit Order(const Scene& scene) : scene_(scene) {
    for (std::size_t i = 1; i < scene.chain.size(); ++i) {
      const auto* body = as<Block>(as<For>(scene.chain[i - 1])->body);
      if (body == nullptr) {
        ways_.push_back(kAlone);
      } else {
        const auto next = std::find(body->body.begin(), body->body.end(), scene.chain[i]);
        ways_.push_back(static_cast<int>(next - body->body.begin()));
      }
    }
  }

  /// Requires that `sink`, of the consumer, would run before `source`, of the producer.
  void require_sooner(Formula& formula, const Formula::Renaming& source, const Access& sink,
                      const Formula::Renaming& sink_names) const {
    std::vector<std::string> mine;
    std::vector<std::string> theirs;
    bool stands_before = false;
    std::size_t at = 0;  // in the sink's position: a loop's body, then its place in a block
    for (std::size_t i = 0; i < scene_.chain.size(); ++i) {
      const For& loop = *as<For>(scene_.chain[i]);
      mine.push_back(source.at(scene_.band.loop(i).name));
      theirs.push_back(fmt::format("{} + {}", sink_names.at(loop.name), scene_.shifts.at(i)));
      if (i + 1 == scene_.chain.size()) break;
      at += 1;
      if (ways_[i] == kAlone) continue;
      const int place = sink.position.at(at++);
      if (place == ways_[i]) continue;
      stands_before = place < ways_[i];
      break;
    }
    std::vector<std::vector<Formula::Relation>> alternatives = earlier(theirs, mine);
    if (stands_before) {
      alternatives.emplace_back();
      for (std::size_t i = 0; i < mine.size(); ++i) {
        alternatives.back().push_back({theirs[i], "=", mine[i]});
      }
    }
    formula.require_any(alternatives);
  }

 private:
  static constexpr int kAlone = -1;

  const Scene& scene_;
  std::vector<int> ways_;  ///< where a loop of the chain stands in the block of the one before
};

/// "iteration i = 0 of the consumer needs iteration r = 1 of the producer, which would come later".
std::string need(const Scene& scene, const Dependence& dependence) {
  if (dependence.sink_iteration.empty()) {
    return "the consumer might run before what it needs is there";
  }
  std::string consumer;
  std::string producer;
  for (std::size_t i = 0; i < scene.chain.size(); ++i) {
    const std::string& theirs = as<For>(scene.chain[i])->name;
    const std::string& mine = scene.band.loop(i).name;
    const auto at = dependence.sink_iteration.find(theirs);
    if (at == dependence.sink_iteration.end()) break;  // a statement further out
    const std::string_view comma = i == 0 ? "" : ", ";
    consumer += fmt::format("{}{} = {}", comma, theirs, at->second);
    producer += fmt::format("{}{} = {}", comma, mine, dependence.source_iteration.at(mine));
  }
  return fmt::format(
      "iteration {} of the consumer needs iteration {} of the producer, which would come later",
      consumer, producer);
}

void check_dependences(const Kernel& kernel, const Scene& scene) {
  const std::vector<Access> produced = accesses(kernel, scene.producer.statement);
  const std::vector<Access> passed = accesses(kernel, make_stmt(Block{scene.between}));
  const OrderChange always = [](Formula&, const Access&, const Formula::Renaming&, const Access&,
                                const Formula::Renaming&) {};
  if (const auto reversed = violated(produced, passed, always)) {
    refuse(kernel,
           dependence_refusal(scene.step, "statements between the nests need the producer",
                              *reversed, "move the producer to the nest that needs it first"));
  }
  const Order order(scene);
  const OrderChange sooner = [&](Formula& formula, const Access&, const Formula::Renaming& source,
                                 const Access& sink, const Formula::Renaming& sink_names) {
    order.require_sooner(formula, source, sink, sink_names);
  };
  if (const auto reversed = violated(produced, accesses(kernel, scene.consumer_nest), sooner)) {
    refuse(kernel, dependence_refusal(
                       scene.step, need(scene, *reversed), *reversed,
                       "choose a loop further out, so that more of the producer runs first"));
  }
}

}  // namespace

Kernel compute_at(const Kernel& kernel, const std::string& producer, const std::string& consumer) {
  Scene scene = scene_of(kernel, producer, consumer);
  const std::map<std::string, Expr> values = match_loops(kernel, scene);
  check_bounds_stay(kernel, scene);
  check_lost_marks(kernel, scene);
  check_dependences(kernel, scene);

  Stmt part = scene.band.body;
  Ranges ranges = ranges_around(scene.consumer);
  const For& loop = *as<For>(scene.consumer.statement);
  if (const auto range = counter_range(loop, ranges)) ranges[loop.name] = *range;
  for (const auto& [name, value] : values) part = replace_counter(part, name, value, ranges);
  For target = loop;
  target.body = block({part, target.body});
  Kernel result = exchange(kernel, scene.consumer.statement, {make_stmt(std::move(target))});
  result = exchange(result, scene.producer.statement, {});
  std::vector<std::string> names;
  names.reserve(scene.chain.size());
  for (const Stmt& stmt : scene.chain) names.push_back(as<For>(stmt)->name);
  check_marks(kernel, scene.step, scene.consumer.statement, result, names);
  return result;
}

}  // namespace heddle::kernel
