#include "kernel/dataflow_rules.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

/// Streams with more channels, and unrolled processes of more iterations, are taken as a whole.
constexpr std::int64_t kMostSeparateChannels = 65536;
constexpr std::int64_t kMostSeparateInstances = 65536;

/// The values that an index may take: low ... high.
struct Range {
  std::int64_t low = 0;
  std::int64_t high = 0;
};
constexpr std::int64_t kFar = std::int64_t{1} << 62;
constexpr Range kAnything{-kFar, kFar};
constexpr Range kEitherWay{0, 1};  ///< of a condition

using Ranges = std::map<std::string, Range>;

Range clamped(Int128 low, Int128 high) {
  const auto clamp = [](Int128 value) {
    return static_cast<std::int64_t>(std::clamp(value, Int128{-kFar}, Int128{kFar}));
  };
  return {clamp(low), clamp(high)};
}

Range compare(BinaryOp op, const Range& a, const Range& b) {
  const auto known = [](bool always, bool never) {
    return always ? Range{1, 1} : never ? Range{0, 0} : kEitherWay;
  };
  const bool apart = a.high < b.low || b.high < a.low;
  const bool same = a.low == a.high && b.low == b.high && a.low == b.low;
  switch (op) {
    case BinaryOp::kLt:
      return known(a.high < b.low, a.low >= b.high);
    case BinaryOp::kLe:
      return known(a.high <= b.low, a.low > b.high);
    case BinaryOp::kGt:
      return known(a.low > b.high, a.high <= b.low);
    case BinaryOp::kGe:
      return known(a.low >= b.high, a.high < b.low);
    case BinaryOp::kEq:
      return known(same, apart);
    default:
      return known(apart, same);
  }
}

Range range_of(const Expr& e, const Ranges& known);

Range range_of(const Binary& node, const Type& type, const Ranges& known) {
  const Range a = range_of(node.a, known);
  const Range b = range_of(node.b, known);
  if (is_comparison(node.op)) return compare(node.op, a, b);
  if (type.is_bool()) {
    if (node.op == BinaryOp::kAnd) return {std::min(a.low, b.low), std::min(a.high, b.high)};
    if (node.op == BinaryOp::kOr) return {std::max(a.low, b.low), std::max(a.high, b.high)};
    return kEitherWay;
  }
  switch (node.op) {
    case BinaryOp::kAdd:
      return clamped(Int128{a.low} + b.low, Int128{a.high} + b.high);
    case BinaryOp::kSub:
      return clamped(Int128{a.low} - b.high, Int128{a.high} - b.low);
    case BinaryOp::kMul: {
      const auto products = {Int128{a.low} * b.low, Int128{a.low} * b.high, Int128{a.high} * b.low,
                             Int128{a.high} * b.high};
      return clamped(std::min(products), std::max(products));
    }
    case BinaryOp::kMin:
      return {std::min(a.low, b.low), std::min(a.high, b.high)};
    case BinaryOp::kMax:
      return {std::max(a.low, b.low), std::max(a.high, b.high)};
    case BinaryOp::kDiv:
    case BinaryOp::kMod: {
      if (a.low < 0 || b.low != b.high || b.low < 1) return kAnything;
      if (node.op == BinaryOp::kDiv) return {a.low / b.low, a.high / b.low};
      if (a.low / b.low == a.high / b.low) return {a.low % b.low, a.high % b.low};
      return {0, b.low - 1};
    }
    default:
      return kAnything;
  }
}

/// The values of an index or condition, given those of the counters. Others can be anything.
Range range_of(const Expr& e, const Ranges& known) {
  if (e.type().is_bool()) {
    if (const auto* literal = e.as<Constant>()) return clamped(literal->raw, literal->raw);
    if (const auto* binary = e.as<Binary>()) return range_of(*binary, e.type(), known);
    if (const auto* unary = e.as<Unary>()) {
      const Range operand = range_of(unary->operand, known);
      return {1 - operand.high, 1 - operand.low};
    }
    return kEitherWay;
  }
  if (const Int128* literal = as_integer(e)) return clamped(*literal, *literal);
  if (!e.type().is_index()) return kAnything;
  if (const auto* variable = e.as<Variable>()) {
    const auto found = known.find(variable->name);
    return found == known.end() ? kAnything : found->second;
  }
  if (const auto* binary = e.as<Binary>()) return range_of(*binary, e.type(), known);
  return kAnything;
}

/// What one access touches: a range in each dimension.
using Box = std::vector<Range>;

struct StreamUse {
  std::string stream;
  Box channels;  ///< empty: all
  bool writes = false;
};

/// Calls `visit` for each stream that a process uses, with what is known of the channels.
class StreamUses {
 public:
  explicit StreamUses(std::function<void(const StreamUse&)> visit) : visit_(std::move(visit)) {}

  void run(const Stmt& stmt, const Ranges& known) const {
    if (const auto* loop = as<For>(stmt)) return run_loop(*loop, known);
    if (const auto* branch = as<If>(stmt)) return run_branch(*branch, known);
    if (const auto* put = as<Put>(stmt)) visit_({put->stream, box_of(put->channel, known), true});
    if (const auto* get = as<Get>(stmt)) visit_({get->stream, box_of(get->channel, known), false});
    if (const auto* call = as<Call>(stmt)) run_call(*call, known);
    for (const Stmt& child : children(stmt)) run(child, known);
  }

 private:
  static Box box_of(const std::vector<Expr>& indices, const Ranges& known) {
    Box box;
    for (const Expr& index : indices) box.push_back(range_of(index, known));
    return box;
  }

  void run_loop(const For& loop, const Ranges& known) const {
    const Range lower = range_of(loop.lower, known);
    const Range upper = range_of(loop.upper, known);
    if (upper.high <= lower.low) return;
    Ranges inside = known;
    inside[loop.name] = {lower.low, upper.high - 1};
    run(loop.body, inside);
  }

  void run_branch(const If& branch, const Ranges& known) const {
    const Range condition = range_of(branch.condition, known);
    if (condition.high == 1) run(branch.then, known);
    if (condition.low == 0 && branch.otherwise != nullptr) run(branch.otherwise, known);
  }

  void run_call(const Call& call, const Ranges& known) const {
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      const auto* stream = std::get_if<StreamArgument>(&call.arguments[i]);
      if (stream == nullptr) continue;
      const auto& parameter = std::get<StreamParameter>(call.callee->parameters[i]);
      visit_(
          {stream->stream, box_of(stream->channel, known), parameter.direction == Direction::kOut});
    }
  }

  std::function<void(const StreamUse&)> visit_;
};

/// A process, or one iteration of a process that is an unrolled loop.
struct Instance {
  std::size_t process = 0;
  std::string name;  ///< "pe", "pe[0, 3]"
};

/// The writer and reader (an instance's number, in the order of the text) of each channel.
struct Channels {
  std::vector<std::int64_t> extents;
  std::vector<std::int64_t> writer;
  std::vector<std::int64_t> reader;
};

class StreamRules {
 public:
  StreamRules(const Dataflow& dataflow, const std::map<std::string, const Stream*>& streams)
      : dataflow_(dataflow) {
    for (const auto& [name, stream] : streams) channels_.emplace(name, channels_of(*stream));
  }

  std::optional<Violation> check() {
    for (std::size_t p = 0; p < dataflow_.processes.size() && !violation_; ++p) {
      enter(p, dataflow_.processes[p].body, {}, {}, 1);
    }
    for (const auto& [name, channels] : channels_) {
      if (!violation_) check_order(name, channels);
    }
    return violation_;
  }

 private:
  static Channels channels_of(const Stream& stream) {
    Channels channels;
    const std::int64_t count = element_count(stream.shape).value_or(kMostSeparateChannels + 1);
    if (count <= kMostSeparateChannels) {
      for (const Expr& extent : stream.shape) {
        channels.extents.push_back(static_cast<std::int64_t>(*as_integer(extent)));
      }
    }
    const std::int64_t size = channels.extents.empty() ? 1 : count;
    channels.writer.assign(static_cast<std::size_t>(size), -1);
    channels.reader = channels.writer;
    return channels;
  }

  /// Follows unrolled loops, each iteration of which is a process.
  void enter(std::size_t process, const Stmt& stmt, const Ranges& known,
             const std::vector<std::int64_t>& counters, std::int64_t instances) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr || !loop->marks.unroll) return run(process, stmt, known, counters);
    const Range lower = range_of(loop->lower, known);
    const Range upper = range_of(loop->upper, known);
    const bool is_literal = lower.low == lower.high && upper.low == upper.high;
    const std::int64_t trips = std::max<std::int64_t>(upper.low - lower.low, 0);
    if (!is_literal || trips > kMostSeparateInstances / instances) {
      return run(process, stmt, known, counters);
    }
    for (std::int64_t i = lower.low; i < upper.low && !violation_; ++i) {
      Ranges inside = known;
      inside[loop->name] = {i, i};
      std::vector<std::int64_t> position = counters;
      position.push_back(i);
      enter(process, loop->body, inside, position, instances * std::max<std::int64_t>(trips, 1));
    }
  }

  void run(std::size_t process, const Stmt& stmt, const Ranges& known,
           const std::vector<std::int64_t>& counters) {
    std::string name = dataflow_.processes[process].name;
    if (!counters.empty()) name += fmt::format("[{}]", fmt::join(counters, ", "));
    instances_.push_back({process, std::move(name)});
    StreamUses([&](const StreamUse& use) { mark(use); }).run(stmt, known);
  }

  void mark(const StreamUse& use) {
    const auto found = channels_.find(use.stream);
    if (found == channels_.end() || violation_) return;  // A stream of the process's own.
    Channels& channels = found->second;
    const std::size_t rank = channels.extents.size();
    Box box = use.channels;
    if (box.size() != rank) box.assign(rank, kAnything);
    for (std::size_t d = 0; d < rank; ++d) {
      // A channel outside is a mistake that the interpreter finds.
      box[d] = {std::max<std::int64_t>(box[d].low, 0),
                std::min(box[d].high, channels.extents[d] - 1)};
      if (box[d].low > box[d].high) return;
    }
    std::vector<std::int64_t> at;
    for (const Range& range : box) at.push_back(range.low);
    for (bool is_more = true; is_more && !violation_;) {
      mark_channel(use, channels, at);
      is_more = false;
      for (std::size_t d = rank; d-- > 0 && !is_more;) {
        is_more = ++at[d] <= box[d].high;
        if (!is_more) at[d] = box[d].low;
      }
    }
  }

  void mark_channel(const StreamUse& use, Channels& channels, const std::vector<std::int64_t>& at) {
    std::size_t flat = 0;
    for (std::size_t d = 0; d < at.size(); ++d) {
      flat = flat * static_cast<std::size_t>(channels.extents[d]) + static_cast<std::size_t>(at[d]);
    }
    std::int64_t& owner = (use.writes ? channels.writer : channels.reader)[flat];
    const auto self = static_cast<std::int64_t>(instances_.size()) - 1;
    if (owner >= 0 && owner != self) {
      fail(self,
           fmt::format("stream {} is {} by process {} and by process {}", channel(use.stream, at),
                       use.writes ? "written" : "read", name(owner), name(self)),
           "give each process a stream or channel of its own");
    }
    owner = self;
  }

  void check_order(const std::string& stream, const Channels& channels) {
    for (std::size_t i = 0; i < channels.writer.size(); ++i) {
      const std::int64_t writer = channels.writer[i];
      const std::int64_t reader = channels.reader[i];
      if (writer < 0 || reader < 0 || writer < reader) continue;
      const std::string who = channel(stream, position(i, channels.extents));
      if (writer == reader) {
        return fail(reader,
                    fmt::format("process {} both writes and reads stream {}", name(reader), who),
                    "use a local array inside of the process, or split the process in two");
      }
      return fail(reader,
                  fmt::format("stream {} is read by process {}, which stands before its writer {}",
                              who, name(reader), name(writer)),
                  "put the writer first: streams run from earlier to later processes");
    }
  }

  static std::vector<std::int64_t> position(std::size_t flat,
                                            const std::vector<std::int64_t>& extents) {
    std::vector<std::int64_t> at(extents.size());
    for (std::size_t d = extents.size(); d-- > 0;) {
      const auto extent = static_cast<std::size_t>(extents[d]);
      at[d] = static_cast<std::int64_t>(flat % extent);
      flat /= extent;
    }
    return at;
  }

  static std::string channel(const std::string& stream, const std::vector<std::int64_t>& at) {
    return at.empty() ? stream : fmt::format("{}[{}]", stream, fmt::join(at, ", "));
  }

  [[nodiscard]] const std::string& name(std::int64_t instance) const {
    return instances_[static_cast<std::size_t>(instance)].name;
  }

  void fail(std::int64_t instance, std::string problem, std::string remedy) {
    const std::size_t process = instances_[static_cast<std::size_t>(instance)].process;
    violation_ = {std::move(problem), std::move(remedy), dataflow_.processes[process].body.get()};
  }

  const Dataflow& dataflow_;
  std::map<std::string, Channels> channels_;
  std::vector<Instance> instances_;
  std::optional<Violation> violation_;
};

/// The arrays from outside that a process touches, with the subscripts of every access.
struct ArrayUses {
  struct Access {
    std::vector<Expr> first;  ///< in each dimension the first index,
    std::vector<Expr> span;   ///< and how many from there; none for one, empty Exprs alike
  };
  std::map<std::string, std::vector<Access>> accesses;
  std::set<std::string> read;
  std::set<std::string> written;
};

ArrayUses array_uses(const Stmt& process) {
  ArrayUses uses;
  const std::set<std::string> own = names_in(process);
  const auto add = [&](const std::string& array, ArrayUses::Access access, bool reads,
                       bool writes) {
    if (own.contains(array)) return;
    if (reads) uses.read.insert(array);
    if (writes) uses.written.insert(array);
    uses.accesses[array].push_back(std::move(access));
  };
  for_each(process, [&](const Stmt& stmt) {
    for (const Expr& e : own_expressions(stmt)) {
      for_each(e, [&](const Expr& part) {
        if (const auto* load = part.as<Load>()) add(load->array, {load->indices, {}}, true, false);
      });
    }
    if (const auto* store = as<Store>(stmt)) {
      add(store->array, {store->indices, {}}, store->reduce.has_value(), true);
    } else if (const auto* get = as<Get>(stmt)) {
      add(get->array, {get->indices, {}}, false, true);
    } else if (const auto* call = as<Call>(stmt)) {
      for (std::size_t i = 0; i < call->arguments.size(); ++i) {
        const auto* window = std::get_if<Window>(&call->arguments[i]);
        if (window == nullptr) continue;
        const auto& parameter = std::get<ArrayParameter>(call->callee->parameters[i]);
        ArrayUses::Access access;
        std::size_t next = 0;
        for (const Window::Dimension& dimension : window->dimensions) {
          access.first.push_back(dimension.base);
          access.span.push_back(dimension.spanned ? parameter.array.shape[next++] : Expr());
        }
        add(window->array, std::move(access), parameter.direction != Direction::kOut,
            parameter.direction != Direction::kIn);
      }
    }
  });
  return uses;
}

/// How often `counter` is counted in an index that is otherwise free of it; none if it is not
/// affine.
std::optional<std::int64_t> coefficient(const Expr& e, const std::string& counter) {
  if (!mentions(e, counter)) return 0;
  if (e.as<Variable>() != nullptr) return 1;
  const auto* node = e.as<Binary>();
  if (node == nullptr) return std::nullopt;
  if (node->op == BinaryOp::kMul) {
    const Int128* factor = as_integer(node->b);
    const Expr& other = factor != nullptr ? node->a : node->b;
    if (factor == nullptr) factor = as_integer(node->a);
    const std::optional<std::int64_t> inner = coefficient(other, counter);
    if (factor == nullptr || !inner || *factor > kFar || *factor < -kFar) return std::nullopt;
    const Int128 product = *factor * *inner;
    if (product > kFar || product < -kFar) return std::nullopt;
    return static_cast<std::int64_t>(product);
  }
  if (node->op != BinaryOp::kAdd && node->op != BinaryOp::kSub) return std::nullopt;
  const std::optional<std::int64_t> a = coefficient(node->a, counter);
  const std::optional<std::int64_t> b = coefficient(node->b, counter);
  if (!a || !b) return std::nullopt;
  const Int128 sum = node->op == BinaryOp::kAdd ? Int128{*a} + *b : Int128{*a} - *b;
  if (sum > kFar || sum < -kFar) return std::nullopt;
  return static_cast<std::int64_t>(sum);
}

/// The loops whose iterations are processes of their own.
std::vector<const For*> process_loops(const Stmt& body) {
  std::vector<const For*> loops;
  for (const auto* loop = as<For>(body); loop != nullptr && loop->marks.unroll;
       loop = as<For>(loop->body)) {
    loops.push_back(loop);
  }
  return loops;
}

/// The values of all counters inside a process, those of its own loops (process_loops) apart.
Ranges inner_ranges(const Stmt& body, const std::vector<const For*>& loops) {
  Ranges known;
  for_each(body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr || std::find(loops.begin(), loops.end(), loop) != loops.end()) return;
    const Range lower = range_of(loop->lower, known);
    const Range upper = range_of(loop->upper, known);
    if (lower.low > -kFar && upper.high < kFar) {
      known[loop->name] = {lower.low, std::max(lower.low, upper.high - 1)};
    }
  });
  return known;
}

/// Whether accesses in iterations of `counter` that differ always differ in this dimension: their
/// index is c * counter + rest, the rest without other processes' counters and narrower than c.
bool separates(const std::vector<ArrayUses::Access>& accesses, std::size_t dimension,
               const std::string& counter, const std::vector<const For*>& loops,
               const Ranges& known) {
  std::optional<std::int64_t> step;
  Range rest{kFar, -kFar};
  for (const ArrayUses::Access& access : accesses) {
    if (dimension >= access.first.size()) return false;
    const Expr& index = access.first[dimension];
    const std::optional<std::int64_t> c = coefficient(index, counter);
    if (!c || *c == 0 || (step && *step != *c)) return false;
    step = c;
    for (const For* loop : loops) {
      if (loop->name != counter && mentions(index, loop->name)) return false;
    }
    Ranges here = known;
    here[counter] = {0, 0};
    Range range = range_of(index, here);
    if (dimension < access.span.size() && access.span[dimension].get() != nullptr) {
      range.high =
          clamped(range.low, Int128{range.high} + range_of(access.span[dimension], {}).high - 1)
              .high;
    }
    rest = {std::min(rest.low, range.low), std::max(rest.high, range.high)};
  }
  return step && Int128{rest.high} - rest.low < (*step < 0 ? -Int128{*step} : Int128{*step});
}

/// An array that several iterations of an unrolled process may write.
std::optional<Violation> shared_by_iterations(const Dataflow::Process& process,
                                              const ArrayUses& uses) {
  const std::vector<const For*> loops = process_loops(process.body);
  if (loops.empty()) return std::nullopt;
  const Ranges known = inner_ranges(process.body, loops);
  for (const std::string& array : uses.written) {
    const std::vector<ArrayUses::Access>& accesses = uses.accesses.at(array);
    for (const For* loop : loops) {
      bool is_apart = false;
      for (std::size_t d = 0; d < accesses.front().first.size() && !is_apart; ++d) {
        is_apart = separates(accesses, d, loop->name, loops, known);
      }
      if (!is_apart) {
        return Violation{
            fmt::format("array {} is written by several iterations of process {}, an unrolled loop",
                        array, process.name),
            fmt::format("declare {} inside of loop {}, or subscript it so that {} keeps the "
                        "iterations apart",
                        array, loops.back()->name, loop->name),
            process.body.get()};
      }
    }
  }
  return std::nullopt;
}

std::optional<Violation> array_violation(const Dataflow& dataflow) {
  std::map<std::string, std::string> writers;  // Of the processes so far.
  std::map<std::string, std::string> readers;
  for (const Dataflow::Process& process : dataflow.processes) {
    const ArrayUses uses = array_uses(process.body);
    for (const std::string& array : uses.written) {
      if (writers.contains(array)) {
        return Violation{fmt::format("array {} is written by process {} and by process {}", array,
                                     writers.at(array), process.name),
                         "let one process write it, or give each its own array",
                         process.body.get()};
      }
      if (readers.contains(array)) {
        return Violation{fmt::format("array {} is read by process {}, which stands before its "
                                     "writer {}",
                                     array, readers.at(array), process.name),
                         "put the writer first, or copy what the earlier process reads",
                         process.body.get()};
      }
    }
    if (std::optional<Violation> violation = shared_by_iterations(process, uses)) return violation;
    for (const std::string& array : uses.written) writers.emplace(array, process.name);
    for (const std::string& array : uses.read) readers.emplace(array, process.name);
  }
  return std::nullopt;
}

}  // namespace

std::optional<Violation> dataflow_violation(const Dataflow& dataflow,
                                            const std::map<std::string, const Stream*>& streams) {
  if (std::optional<Violation> violation = StreamRules(dataflow, streams).check()) return violation;
  return array_violation(dataflow);
}

}  // namespace heddle::kernel
