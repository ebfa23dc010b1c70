#include "kernel/codegen/rtl/pipeline_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"
#include "kernel/codegen/rtl/float_units.h"
#include "kernel/codegen/rtl/joined.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {
namespace {

std::string_view infix(Op op) {
  switch (op) {
    case Op::kAdd:
      return "+";
    case Op::kSub:
      return "-";
    case Op::kAnd:
      return "&";
    case Op::kOr:
      return "|";
    default:
      return "^";
  }
}

std::string_view word(Op op) {
  switch (op) {
    case Op::kAdd:
      return "sum";
    case Op::kSub:
      return "difference";
    case Op::kMul:
      return "product";
    case Op::kQuotient:
      return "quotient";
    case Op::kRemainder:
      return "remainder";
    case Op::kLess:
      return "less";
    case Op::kEqual:
      return "equal";
    case Op::kMux:
      return "choice";
    case Op::kSlice:
      return "bits";
    case Op::kShiftLeft:
    case Op::kShiftRight:
      return "shifted";
    case Op::kTotal:
      return "total";
    case Op::kLeast:
      return "least";
    case Op::kGreatest:
      return "greatest";
    case Op::kFloat:
      return "real";
    case Op::kDot:
      return "dot";
    case Op::kWrite:
      return "write";
    default:
      return "bits";
  }
}

/// "_x8", "_xm8".
std::string factor_name(Int128 factor) {
  return fmt::format("_x{}{}", factor < 0 ? "m" : "", to_string(factor < 0 ? -factor : factor));
}

/// Bits in which a choice is compared: all that it has, since one that is not carried out may lie
/// beyond the candidates; and no fewer than tell these apart. A cast of a genvar has a sign, which
/// does not matter between equal widths.
int choice_width(const Graph& graph, const Node& node) {
  return std::max(bits_for(0, static_cast<std::int64_t>(node.offsets.size()) - 1),
                  graph[node.operands[2]].width());
}

}  // namespace

int counter_width(const Loop& loop) {
  return bits_for(loop.lowest, loop.highest + 1);
}

std::string bound_text(const Bound& bound, int width) {
  if (bound.register_name.empty()) return literal(bound.value.as<Constant>()->raw, width);
  return resized("reg_" + bound.register_name, 64, width);
}

PipelineText::PipelineText(const Leaf& leaf, const Design& design)
    : leaf_(leaf), design_(design), prefix_(fmt::format("l{}_", leaf.number)) {
  const auto count = static_cast<NodeId>(leaf.graph.nodes().size());
  for (NodeId id = 0; id < count; ++id) {
    if (leaf.graph[id].is_access()) last_valid_ = std::max(last_valid_, ready(id));
  }
}

std::string PipelineText::write(const std::string& go) {
  text_.comment(fmt::format("Pipeline {}: an iteration every {} cycle{}, {} deep.", leaf_.number,
                            leaf_.times.interval, leaf_.times.interval == 1 ? "" : "s",
                            leaf_.times.depth));
  control(go);
  const std::string head = std::move(text_.lines);
  text_.lines.clear();
  const auto count = static_cast<NodeId>(graph().nodes().size());
  for (NodeId id = 0; id < count; ++id) operation(id);
  close_lanes();
  delays();
  text_.gap();
  return head + declarations_.lines() + text_.lines;
}

void PipelineText::control(const std::string& go) {
  const int depth = leaf_.times.depth;
  text_.line(fmt::format("wire {} = {};", name("go"), go));
  const bool has_loops = !leaf_.loops.empty();
  const std::string issue = name(has_loops ? "issue" : "go");
  std::string skip;
  if (has_loops) {
    std::string starts;  // whether there is an iteration; empty: there is
    for (const Loop& loop : leaf_.loops) {
      const bool is_literal = loop.lower.register_name.empty() && loop.upper.register_name.empty();
      const int width = std::max(counter_width(loop), is_literal ? 1 : 64);
      if (is_literal && loop.lower.value.as<Constant>()->raw < loop.upper.value.as<Constant>()->raw)
        continue;
      starts += fmt::format("{}($signed({}) < $signed({}))", starts.empty() ? "" : " & ",
                            bound_text(loop.lower, width + 1), bound_text(loop.upper, width + 1));
    }
    text_.line(fmt::format("logic {};", name("active")));
    const int interval = leaf_.times.interval;
    const int slots = bits_for(0, interval - 1);
    std::string turn;
    if (interval > 1) {
      text_.line(fmt::format("logic [{}:0] {};", slots - 1, name("slot")));
      turn = fmt::format(" & ({} == {})", name("slot"), literal(0, slots));
    }
    text_.line(fmt::format("wire {} = {}{};", name("issue"), name("active"), turn));
    std::string ends = name("issue");
    std::vector<std::pair<std::string, std::string>> advance;  // innermost first
    for (auto loop = leaf_.loops.rbegin(); loop != leaf_.loops.rend(); ++loop) {
      const std::string wraps = name(loop->name + "_ends");
      advance.emplace_back(ends, wraps);
      ends += " & " + wraps;
    }
    for (std::size_t i = 0; i < leaf_.loops.size(); ++i) {
      const auto& [advances, wraps] = advance[leaf_.loops.size() - 1 - i];
      counter(leaf_.loops[i], advances, wraps);
    }
    text_.line(fmt::format("wire {} = {};", name("last"), ends));
    const std::string enters =
        starts.empty() ? name("go") : fmt::format("({} & {})", name("go"), starts);
    text_.step(name("active"),
               fmt::format("{0} | ({1} & ~{2})", enters, name("active"), name("last")));
    if (!starts.empty()) {
      text_.line(fmt::format("logic {};", name("skip")));
      text_.step(name("skip"), fmt::format("{} & ~({})", name("go"), starts));
      skip = " | " + name("skip");
    }
    if (interval > 1) {
      text_.enabled(
          {fmt::format("{0} <= ({1} | ({0} == {2})) ? {3} : {0} + {4};", name("slot"), name("go"),
                       literal(interval - 1, slots), literal(0, slots), literal(1, slots))});
    }
  }
  if (last_valid_ > 0) {
    text_.shift_register(name("past"), last_valid_, issue);
    const std::string past = name("past");
    text_.line(
        fmt::format("wire [{}:0] {} = {{{}, {}}};", last_valid_, name("valid"), past, issue));
  } else {
    text_.line(fmt::format("wire [0:0] {} = {};", name("valid"), issue));
  }
  text_.shift_register(name("tail"), depth, name(has_loops ? "last" : "go"));
  text_.line(fmt::format("wire {} = {}[{}]{};", name("done"), name("tail"), depth, skip));
}

void PipelineText::counter(const Loop& loop, const std::string& advances,
                           const std::string& wraps) {
  const int width = bits_for(loop.lowest, loop.highest);
  const bool is_signed = loop.lowest < 0;
  const std::string count = name(loop.name);
  text_.line(fmt::format("{} {};", vector_type(width, is_signed), count));
  const bool is_literal = loop.upper.register_name.empty();
  const std::string last =
      is_literal ? literal(std::max(loop.upper.value.as<Constant>()->raw - 1, loop.lowest), width)
                 : fmt::format("{} - {}", bound_text(loop.upper, width), literal(1, width));
  text_.line(fmt::format("wire {} = {} == {};", wraps, count, last));
  // The outermost counter's end is the pipeline's.
  const std::string restarts = loop.name == leaf_.loops.front().name
                                   ? name("go")
                                   : fmt::format("({} | {})", name("go"), wraps);
  const auto step = [&](const std::string& target, const std::string& first,
                        const std::string& by) {
    text_.enabled({fmt::format("if ({0} | {1}) {2} <= {3} ? {4} : {2} + {5};", name("go"), advances,
                               target, restarts, first, by)});
  };
  step(count, bound_text(loop.lower, width), literal(1, width));
  std::set<Int128> factors;
  for (const Node& node : graph().nodes()) {
    const bool is_scaled = node.op == Op::kCounter && node.name == loop.name && node.value != 1;
    if (!is_scaled || !factors.insert(node.value).second) continue;
    const std::string scaled = count + factor_name(node.value);
    const int bits = node.width();
    text_.line(fmt::format("{} {};", vector_type(bits, node.is_signed()), scaled));
    const std::string first =
        loop.lower.register_name.empty()
            ? literal(loop.lower.value.as<Constant>()->raw * node.value, bits)
            : fmt::format("{} * {}", bound_text(loop.lower, bits), literal(node.value, bits));
    step(scaled, first, literal(node.value, bits));
  }
}

std::string PipelineText::node_name(NodeId id) const {
  const Node& node = graph()[id];
  if (node.op == Op::kInput) return node.name;
  if (node.op == Op::kCounter) {
    return prefix_ + node.name + (node.value == 1 ? "" : factor_name(node.value));
  }
  return fmt::format("{}{}{}", prefix_, node.op == Op::kRead ? node.name + "_" : word(node.op), id);
}

// Lanes.

std::string PipelineText::lane_index(LaneSet lanes, const Numbers& numbers) const {
  std::string text;
  for (std::size_t n = 0; n < graph().lane_loops.size(); ++n) {
    if ((lanes >> n & 1) == 0) continue;
    const LaneLoop& loop = graph().lane_loops[n];
    const auto given = numbers.find(n);
    const std::string own = given == numbers.end() ? "g_" + loop.name : given->second;
    text = text.empty() ? own : fmt::format("({} * {} + {})", text, loop.trips, own);
  }
  return text.empty() ? "0" : text;
}

std::string PipelineText::part(const std::string& vector, LaneSet lanes, int width,
                               const Numbers& numbers) const {
  if (lanes == 0) return vector;
  return field(vector, lane_index(lanes, numbers), width);
}

std::string PipelineText::number(NodeId id, const Numbers& numbers) const {
  const Node& node = graph()[id];
  if (node.op == Op::kConstant) return to_string(node.value);
  if (node.op == Op::kLane) {
    const auto loop = static_cast<std::size_t>(node.value);
    const auto given = numbers.find(loop);
    return given == numbers.end() ? "g_" + graph().lane_loops[loop].name : given->second;
  }
  const std::string a = number(node.operands[0], numbers);
  const std::string b = number(node.operands[1], numbers);
  switch (node.op) {
    case Op::kMul:
      return fmt::format("({} * {})", a, b);
    case Op::kQuotient:
      return fmt::format("({} / {})", a, b);
    case Op::kRemainder:
      return fmt::format("({} % {})", a, b);
    case Op::kShiftLeft:
      return fmt::format("({} * {})", a,
                         to_string(Int128{1} << static_cast<int>(graph()[node.operands[1]].value)));
    default:
      return fmt::format("({} {} {})", a, infix(node.op), b);
  }
}

void PipelineText::line(LaneSet lanes, const std::string& text) {
  if (lanes == 0) return text_.line(text);  // The lanes that wait may use it, and it their vectors.
  if (!in_lanes_.empty() && lanes != open_) close_lanes();
  open_ = lanes;
  in_lanes_.push_back(text);
}

void PipelineText::close_lanes() {
  if (in_lanes_.empty()) return;
  write_in_lanes(open_, in_lanes_, kNoPair);
  in_lanes_.clear();
}

void PipelineText::write_in_lanes(LaneSet lanes, const std::vector<std::string>& lines,
                                  std::size_t pair) {
  int depth = 0;
  for (std::size_t n = 0; n < graph().lane_loops.size(); ++n) {
    if ((lanes >> n & 1) == 0) continue;
    const LaneLoop& loop = graph().lane_loops[n];
    const std::string label =
        depth == 0 ? fmt::format("{}lanes{}", prefix_, blocks_++) : "of_" + loop.name;
    text_.open("g_" + loop.name, loop.trips, label, n == pair ? 2 : 1);
    ++depth;
  }
  for (const std::string& line : lines) text_.line(line);
  for (; depth > 0; --depth) text_.close();
}

template <typename Write>
void PipelineText::for_choices(const Node& node, const std::string& bank, const std::string& choice,
                               LaneSet lanes, const Write& write) {
  const auto lines = [&](const std::string& indent, const Choice& one) {
    for (const std::string& text : write(one)) line(lanes, indent + text);
  };
  if (node.offsets.size() == 1) return lines("", {bank, "0", ""});
  const int width = choice_width(graph(), node);
  const std::int64_t stride = node.offsets[1] - node.offsets[0];
  bool is_even = true;
  for (std::size_t i = 0; i < node.offsets.size(); ++i) {
    is_even = is_even && node.offsets[i] == static_cast<std::int64_t>(i) * stride;
  }
  if (!is_even) {
    for (std::size_t i = 0; i < node.offsets.size(); ++i) {
      lines("", {fmt::format("({} + {})", bank, node.offsets[i]), std::to_string(i),
                 fmt::format("({} == {})", choice, literal(static_cast<std::int64_t>(i), width))});
    }
    return;
  }
  line(lanes, fmt::format("for (genvar c = 0; c < {}; c++) begin : {}among{}", node.offsets.size(),
                          prefix_, blocks_++));
  const std::string first = bank == "0" ? "" : bank + " + ";
  lines("  ", {stride == 1 ? fmt::format("({}c)", first) : fmt::format("({}c * {})", first, stride),
               "c", fmt::format("({} == {}'(c))", choice, width)});
  line(lanes, "end");
}

void PipelineText::zeros(const std::string& vector, const std::set<std::int64_t>& covered,
                         std::int64_t count, std::int64_t width) {
  for (std::int64_t first = 0; first < count; ++first) {
    if (covered.contains(first)) continue;
    std::int64_t last = first;
    while (last + 1 < count && !covered.contains(last + 1)) ++last;
    line(0, fmt::format("assign {}[{}:{}] = '0;", vector, (last + 1) * width - 1, first * width));
    first = last;
  }
}

std::string PipelineText::gathered(NodeId user, std::size_t position, LaneSet over, int width) {
  const NodeId id = graph()[user].operands[position];
  const LaneSet lanes = graph()[id].lanes;
  const std::string vector = fmt::format("{}_in{}", node_name(user), position);
  const std::int64_t inner = graph().lane_count(over);
  declarations_.add("wire " + vector_range(graph().lane_count(lanes) * width, false), vector);
  line(lanes, fmt::format("assign {} = {};",
                          field(vector,
                                fmt::format("({} * {} + {})", lane_index(lanes & ~over), inner,
                                            lane_index(over)),
                                width),
                          at(id, start(user), width)));
  return vector;
}

// Values.

std::string PipelineText::at(NodeId id, int cycle) {
  const Node& node = graph()[id];
  if (node.op == Op::kConstant) return literal(node.value, node.width());
  if (graph().is_fixed(node)) {
    const std::string text = fmt::format("{}'({})", node.width(), number(id));
    return node.is_signed() ? text : fmt::format("$unsigned({})", text);
  }
  std::string text = node_name(id);
  if (node.op == Op::kInput) return text;
  const int distance = cycle - ready(id);
  ensure(distance >= 0, "{} is used before it is there", text);
  if (distance > 0) {
    taps_[id].insert(distance);
    text += fmt::format("_d{}", distance);
  }
  if (node.lanes == 0) return text;
  text = part(text, node.lanes, node.width());
  return node.is_signed() ? fmt::format("$signed({})", text) : text;
}

std::string PipelineText::at(NodeId id, int cycle, int width) {
  const Node& node = graph()[id];
  if (node.op == Op::kConstant) return literal(node.value, width);
  if (graph().is_fixed(node)) return fmt::format("{}'({})", width, number(id));
  return resized(at(id, cycle), node.width(), width);
}

std::string PipelineText::operand(NodeId user, std::size_t position) {
  return at(graph()[user].operands[position], start(user));
}

std::string PipelineText::operand(NodeId user, std::size_t position, int width) {
  return at(graph()[user].operands[position], start(user), width);
}

void PipelineText::operation(NodeId id) {
  const Node& node = graph()[id];
  if (graph().is_fixed(node)) return;
  const std::string target = node_name(id);
  const int width = node.width();
  switch (node.op) {
    case Op::kInput:
    case Op::kCounter:
      return;
    case Op::kRead:
      read(id);
      return access(id);
    case Op::kWrite:
      return access(id);
    case Op::kMul:
    case Op::kQuotient:
    case Op::kRemainder:
      declare(id);
      return unit(id);
    case Op::kTotal:
    case Op::kLeast:
    case Op::kGreatest:
      declare(id);
      return total(id);
    case Op::kFloat:
      declare(id);
      return floating(id);
    case Op::kDot:
      declare(id);
      return dot(id);
    default:
      break;
  }
  const std::string value = expression(id);
  if (node.lanes == 0) {
    line(0, fmt::format("wire {} {} = {};", vector_range(width, node.is_signed()), target, value));
  } else {
    declare(id);
    line(node.lanes, fmt::format("assign {} = {};", part(target, node.lanes, width), value));
  }
}

void PipelineText::declare(NodeId id, const std::string& kind) {
  const Node& node = graph()[id];
  const bool is_signed = node.is_signed() && node.lanes == 0;
  const std::int64_t width = graph().lane_count(node.lanes) * node.width();
  declarations_.add(fmt::format("{} {}", kind, vector_range(width, is_signed)), node_name(id));
}

void PipelineText::unit(NodeId id) {
  const Node& node = graph()[id];
  const Node& a = graph()[node.operands[0]];
  const Node& b = graph()[node.operands[1]];
  const std::string target = node_name(id);
  const bool is_product = node.op == Op::kMul;
  std::string parameters =
      fmt::format(".A_WIDTH({}), .A_SIGNED({:d}), .B_WIDTH({}), .B_SIGNED({:d})", a.width(),
                  a.is_signed(), b.width(), b.is_signed());
  if (is_product) {
    parameters += fmt::format(", .P_WIDTH({}), .LATENCY({})", node.width(), ready(id) - start(id));
  } else {
    parameters += fmt::format(", .Q_WIDTH({}), .REMAINDER({:d}), .A_STEADY({:d}), .B_STEADY({:d})",
                              node.width(), node.op == Op::kRemainder, graph().is_fixed(a),
                              graph().is_fixed(b));
  }
  line(node.lanes,
       fmt::format("{} #({}) {}_unit (.clk, .ce, .a({}), .b({}), .{}({}));",
                   is_product ? "multiply" : "divide", parameters, target, operand(id, 0),
                   operand(id, 1), is_product ? "p" : "q", part(target, node.lanes, node.width())));
}

void PipelineText::floating(NodeId id) {
  const Node& node = graph()[id];
  const auto which = static_cast<FloatUnit>(node.value);
  const FloatModule& unit = module_of(which);
  std::string ports = ".clk, .ce";
  for (std::size_t i = 0; i < node.operands.size(); ++i) {
    const int width = which == FloatUnit::kFromFixed ? graph()[node.operands[i]].width() : 32;
    ports += fmt::format(", .{}({})", unit.inputs.at(i), operand(id, i, width));
  }
  if (!unit.settings.empty()) ports += fmt::format(", {}", unit.settings);
  const std::string parameters = node.name.empty() ? "" : fmt::format("#({}) ", node.name);
  line(node.lanes,
       fmt::format("{} {}{}_unit ({}, .{}({}));", unit.module, parameters, node_name(id), ports,
                   unit.output, part(node_name(id), node.lanes, node.width())));
}

void PipelineText::total(NodeId id) {
  const Node& node = graph()[id];
  const Node& from = graph()[node.operands[0]];
  const std::string target = node_name(id);
  const std::int64_t count = graph().lane_count(node.over);
  const std::string in = gathered(id, 0, node.over, from.width());
  const std::string own = field(in, lane_index(node.lanes), count * from.width());
  if (node.width() == 1 && node.op == Op::kGreatest) {
    return line(node.lanes, fmt::format("assign {} = |{};", part(target, node.lanes, 1), own));
  }
  line(node.lanes,
       fmt::format("reduce_tree #(.COUNT({}), .WIDTH({}), .IS_SIGNED({:d}), .OPERATION({}), "
                   ".OUT_WIDTH({})) {}_unit (.clk, .ce, .in({}), .out({}));",
                   count, from.width(), from.is_signed(),
                   node.op == Op::kTotal   ? 0
                   : node.op == Op::kLeast ? 1
                                           : 2,
                   node.width(), target, own, part(target, node.lanes, node.width())));
}

void PipelineText::dot(NodeId id) {
  const Node& node = graph()[id];
  const std::string target = node_name(id);
  const auto pair = static_cast<std::size_t>(node.value);
  const std::string shared = gathered(id, 0, node.over, 8);
  const std::string apart = gathered(id, 1, node.over, 8);
  close_lanes();
  const std::int64_t depth = graph().lane_count(node.over);
  const int width = node.width();
  const std::string first = "g_" + graph().lane_loops[pair].name;
  const Numbers second = {{pair, "(" + first + " + 1)"}};
  const auto operand_of = [&](const std::string& vector, std::size_t position,
                              const Numbers& numbers) {
    const LaneSet lanes = graph()[node.operands[position]].lanes & ~node.over;
    return field(vector, lane_index(lanes, numbers), 8 * depth);
  };
  const auto result = [&](const std::string& from, const Numbers& numbers) {
    return fmt::format("assign {} = {}[{}:0];", part(target, node.lanes, width, numbers), from,
                       width - 1);
  };
  write_in_lanes(node.lanes,
                 {"wire [31:0] low, high;",
                  fmt::format("packed_dot_tree #(.DEPTH({})) dots (.clk, .ce, .a({}), .w0({}), "
                              ".w1({}), .p0(low), .p1(high));",
                              depth, operand_of(shared, 0, {}), operand_of(apart, 1, {}),
                              operand_of(apart, 1, second)),
                  result("low", {}), result("high", second)},
                 pair);
}

std::string PipelineText::compare(NodeId id) {
  const Node& node = graph()[id];
  const Node& a = graph()[node.operands[0]];
  const Node& b = graph()[node.operands[1]];
  const bool is_signed = a.is_signed() || b.is_signed();
  const auto needs = [&](const Node& x) {
    return x.width() + (is_signed && !x.is_signed() ? 1 : 0);
  };
  const int width = std::max(needs(a), needs(b));
  const std::string x = operand(id, 0, width);
  const std::string y = operand(id, 1, width);
  if (node.op == Op::kEqual) return fmt::format("{} == {}", x, y);
  return is_signed ? fmt::format("$signed({}) < $signed({})", x, y) : fmt::format("{} < {}", x, y);
}

std::string PipelineText::expression(NodeId id) {
  const Node& node = graph()[id];
  const int width = node.width();
  switch (node.op) {
    case Op::kAdd:
    case Op::kSub:
    case Op::kAnd:
    case Op::kOr:
    case Op::kXor:
      return fmt::format("{} {} {}", operand(id, 0, width), infix(node.op), operand(id, 1, width));
    case Op::kNot:
      return fmt::format("~{}", operand(id, 0, width));
    case Op::kLess:
    case Op::kEqual:
      return compare(id);
    case Op::kMux:
      return fmt::format("{} ? {} : {}", operand(id, 0), operand(id, 1, width),
                         operand(id, 2, width));
    case Op::kSlice: {
      const auto first = static_cast<int>(node.value);
      const Node& from = graph()[node.operands[0]];
      if (first == 0) return operand(id, 0, width);
      // A part of a vector has no parts of its own.
      const bool has_parts = from.lanes == 0 && first + width <= from.width();
      if (has_parts) return fmt::format("{}[{} +: {}]", operand(id, 0), first, width);
      return fmt::format("{}'({} >>> {})", width, operand(id, 0), first);
    }
    case Op::kShiftLeft: {
      const Node& amount = graph()[node.operands[1]];
      if (amount.op != Op::kConstant) {
        return fmt::format("{} << {}", operand(id, 0, width), operand(id, 1));
      }
      const auto by = static_cast<int>(amount.value);
      if (by >= width) return literal(0, width);
      return fmt::format("{{{}, {}}}", operand(id, 0, width - by), literal(0, by));
    }
    case Op::kShiftRight:
      return fmt::format("{}'({} >>> {})", width, operand(id, 0), operand(id, 1));
    default:
      throw InternalError("an operation without an expression");
  }
}

std::string PipelineText::happens(const Node& node, int cycle) {
  std::string text = fmt::format("{}[{}]", name("valid"), cycle);
  if (node.predicate != kNoNode) text += " & " + at(node.predicate, cycle);
  return text;
}

/// What a memory gives, as the node's value.
void PipelineText::read(NodeId id) {
  const Node& node = graph()[id];
  const Memory& memory = design_.memory(node.name);
  const Type& element = memory.array.element;
  const int width = element.bits();
  const int from = memory.kind == Memory::Kind::kGlobal ? 8 * element.bytes() : width;
  const std::string target = node_name(id);
  if (memory.kind == Memory::Kind::kRom) {
    declare(id, "logic");
    return line(
        node.lanes,
        fmt::format("always_ff @(posedge clk) if (ce) {} <= {};", part(target, node.lanes, width),
                    field("rom_" + node.name, at(node.operands[0], start(id), 32), width)));
  }
  declare(id);
  std::string source;
  switch (memory.kind) {
    case Memory::Kind::kRegisters:
      source = "reg_" + node.name;
      break;
    case Memory::Kind::kRam:
      source = "ram_" + node.name + "_rdata";
      break;
    case Memory::Kind::kStream:
      source = node.name + "_front";
      break;
    default:
      source = node.name + "_data";
  }
  const std::string own = part(target, node.lanes, width);
  const std::string bank = number(node.operands[1]);
  if (memory.banks.count == 1) {
    return line(node.lanes, fmt::format("assign {} = {};", own, resized(source, from, width)));
  }
  if (node.offsets.size() == 1) {
    return line(node.lanes,
                fmt::format("assign {} = {}[{} * {} +: {}];", own, source, bank, from, width));
  }
  // The candidates side by side, in each lane's own vector: Yosys takes minutes to choose from the
  // vector of all lanes.
  const auto count = static_cast<std::int64_t>(node.offsets.size());
  const std::string among = target + "_among";
  line(node.lanes, fmt::format("wire {} {};", vector_range(count * width, false), among));
  for_choices(node, bank, "", node.lanes, [&](const Choice& one) -> std::vector<std::string> {
    return {fmt::format("assign {} = {}[{} * {} +: {}];", field(among, one.number, width), source,
                        one.bank, from, width)};
  });
  line(node.lanes, fmt::format("assign {} = {};", own,
                               field(among, at(node.operands[2], ready(id), 32), width)));
}

/// What a memory is asked for.
void PipelineText::access(NodeId id) {
  const Node& node = graph()[id];
  const Memory& memory = design_.memory(node.name);
  const bool is_write = node.op == Op::kWrite;
  if (memory.kind == Memory::Kind::kRom) return;
  if (memory.kind == Memory::Kind::kRegisters && !is_write) return;
  Site site;
  site.array = node.name;
  site.is_write = is_write;
  const bool is_global = memory.kind == Memory::Kind::kGlobal;
  if (is_global && !is_write) {
    site.data_wanted = happens(node, ready(id));
    site.waits = leaf_.waits.contains(node.name);
  }
  const NodeId address = node.operands[0];
  site.address_width = graph()[address].width();
  if (graph()[address].lanes == 0) site.address = at(address, start(id));
  if (is_global && !is_write) {
    site.wanted = happens(node, start(id));
  } else {
    place_units(site, id, start(id));
  }
  if (is_write)
    data(site, id, is_global ? 8 * memory.array.element.bytes() : memory.array.element.bits());
  sites_.push_back(std::move(site));
}

/// Which units are meant, and their addresses where these differ.
void PipelineText::place_units(Site& site, NodeId id, int cycle) {
  const Node& node = graph()[id];
  const Memory& memory = design_.memory(node.name);
  const bool has_lanes = node.predicate != kNoNode && graph()[node.predicate].lanes != 0;
  const std::string valid = fmt::format("{}[{}]", name("valid"), cycle);
  std::set<std::int64_t> covered;
  for (const std::int64_t bank : banks_of(graph(), node)) covered.insert(bank / memory.unit);
  const std::int64_t units = memory.units();
  const NodeId address = node.operands[0];
  site.has_addresses = graph()[address].lanes != 0;
  const bool is_all = static_cast<std::int64_t>(covered.size()) == units;
  if (is_all && !has_lanes && node.offsets.size() == 1 && !site.has_addresses) {
    site.wanted = happens(node, cycle);
    return;
  }
  const LaneSet lanes = lanes_of_units(graph(), node, memory.unit);
  Numbers inner;  // Lanes inside of a unit are all the same.
  for (std::size_t n = 0; n < graph().lane_loops.size(); ++n) {
    if ((lanes >> n & 1) == 0) inner[n] = "0";
  }
  const std::string bank = number(node.operands[1], inner);
  const std::string wanted = happens(node, cycle);
  site.at = fmt::format("{}_at", node_name(id));
  declarations_.add("wire " + vector_range(units, false), site.at);
  if (site.has_addresses) {
    site.address = fmt::format("{}_address", node_name(id));
    declarations_.add("wire " + vector_range(units * site.address_width, false), site.address);
  }
  const std::string choice =
      node.offsets.size() > 1 ? at(node.operands[2], cycle, choice_width(graph(), node)) : "";
  for_choices(node, bank, choice, lanes, [&](const Choice& one) {
    const std::string unit =
        memory.unit == 1 ? one.bank : fmt::format("({} / {})", one.bank, memory.unit);
    std::vector<std::string> lines = {fmt::format("assign {}[{}] = {}{};", site.at, unit, wanted,
                                                  one.chosen.empty() ? "" : " & " + one.chosen)};
    if (site.has_addresses) {
      lines.push_back(fmt::format("assign {} = {};", field(site.address, unit, site.address_width),
                                  at(address, cycle)));
    }
    return lines;
  });
  zeros(site.at, covered, units, 1);
  if (site.has_addresses) zeros(site.address, covered, units, site.address_width);
  site.wanted = fmt::format("({} & (|{}))", valid, site.at);
}

/// The values that a write brings, each at its bank's place.
void PipelineText::data(Site& site, NodeId id, int width) {
  const Node& node = graph()[id];
  const Memory& memory = design_.memory(node.name);
  const NodeId value = node.operands[kWritten];
  if (memory.banks.count == 1) {
    site.data = at(value, start(id), width);
    return;
  }
  site.data = fmt::format("{}_value", node_name(id));
  declarations_.add("wire " + vector_range(memory.banks.count * width, false), site.data);
  const LaneSet lanes = graph()[node.operands[1]].lanes;
  for_choices(node, number(node.operands[1]), "", lanes,
              [&](const Choice& one) -> std::vector<std::string> {
                return {fmt::format("assign {} = {};", field(site.data, one.bank, width),
                                    at(value, start(id), width))};
              });
  const std::vector<std::int64_t> banks = banks_of(graph(), node);
  zeros(site.data, {banks.begin(), banks.end()}, memory.banks.count, width);
}

void PipelineText::delays() {
  std::vector<std::string> single;
  for (const auto& [id, distances] : taps_) {
    const Node& node = graph()[id];
    const auto width = static_cast<int>(graph().lane_count(node.lanes) * node.width());
    const bool is_signed = node.is_signed() && node.lanes == 0;
    std::string from = node_name(id);
    int done = 0;
    for (const int distance : distances) {
      const std::string to = fmt::format("{}_d{}", node_name(id), distance);
      declarations_.add(vector_type(width, is_signed), to);
      if (distance - done == 1) {
        single.push_back(fmt::format("{} <= {};", to, from));
      } else {
        text_.line(fmt::format(
            "delay_line #(.WIDTH({}), .LATENCY({})) {}_line (.clk, .ce, .in({}), .out({}));", width,
            distance - done, to, from, to));
      }
      done = distance;
      from = to;
    }
  }
  if (!single.empty()) text_.enabled(single);
}

}  // namespace heddle::kernel::rtl
