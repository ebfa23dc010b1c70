#include "kernel/codegen/rtl/pipeline_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"
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
    case Op::kRead:
      return "read";
    default:
      return "bits";
  }
}

/// "_x8", "_xm8".
std::string factor_name(Int128 factor) {
  return fmt::format("_x{}{}", factor < 0 ? "m" : "", to_string(factor < 0 ? -factor : factor));
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
  text_.line(fmt::format("// Pipeline {}: an iteration every {} cycle{}, {} deep.", leaf_.number,
                         leaf_.times.interval, leaf_.times.interval == 1 ? "" : "s",
                         leaf_.times.depth));
  control(go);
  const std::string head = std::move(text_.lines);
  text_.lines.clear();
  const auto count = static_cast<NodeId>(leaf_.graph.nodes().size());
  for (NodeId id = 0; id < count; ++id) operation(id);
  delays();
  text_.gap();
  return head + declarations_.lines + text_.lines;
}

void PipelineText::control(const std::string& go) {
  const int depth = leaf_.times.depth;
  text_.line(fmt::format("wire {} = {};", name("go"), go));
  const bool has_loops = !leaf_.loops.empty();
  const std::string issue = name(has_loops ? "issue" : "go");
  if (has_loops) {
    std::string starts = "1'b1";  // whether there is an iteration
    for (const Loop& loop : leaf_.loops) {
      const bool is_literal = loop.lower.register_name.empty() && loop.upper.register_name.empty();
      const int width = std::max(counter_width(loop), is_literal ? 1 : 64);
      if (is_literal && loop.lower.value.as<Constant>()->raw < loop.upper.value.as<Constant>()->raw)
        continue;
      starts += fmt::format(" & ($signed({}) < $signed({}))", bound_text(loop.lower, width + 1),
                            bound_text(loop.upper, width + 1));
    }
    text_.line(fmt::format("logic {0}, {1};", name("active"), name("skip")));
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
    text_.line("always_ff @(posedge clk)");
    text_.line("  if (rst) begin");
    text_.line(fmt::format("    {} <= 1'b0;", name("active")));
    text_.line(fmt::format("    {} <= 1'b0;", name("skip")));
    text_.line("  end else if (ce) begin");
    text_.line(fmt::format("    {0} <= ({1} & {2}) | ({0} & ~{3});", name("active"), name("go"),
                           starts, name("last")));
    text_.line(fmt::format("    {} <= {} & ~({});", name("skip"), name("go"), starts));
    text_.line("  end");
    if (interval > 1) {
      text_.line(fmt::format(
          "always_ff @(posedge clk) if (ce) {0} <= ({1} | ({0} == {2})) ? {3} : {0} + {4};",
          name("slot"), name("go"), literal(interval - 1, slots), literal(0, slots),
          literal(1, slots)));
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
  text_.line(fmt::format("wire {} = {}[{}]{};", name("done"), name("tail"), depth,
                         has_loops ? " | " + name("skip") : ""));
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
  const auto step = [&](const std::string& target, const std::string& first,
                        const std::string& by) {
    text_.line("always_ff @(posedge clk) if (ce) begin");
    text_.line(fmt::format("  if ({}) {} <= {};", name("go"), target, first));
    text_.line(fmt::format("  else if ({0}) {1} <= {2} ? {3} : {1} + {4};", advances, target, wraps,
                           first, by));
    text_.line("end");
  };
  step(count, bound_text(loop.lower, width), literal(1, width));
  std::set<Int128> factors;
  for (const Node& node : leaf_.graph.nodes()) {
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
  const Node& node = leaf_.graph[id];
  if (node.op == Op::kInput) return node.name;
  if (node.op == Op::kCounter) {
    return prefix_ + node.name + (node.value == 1 ? "" : factor_name(node.value));
  }
  return fmt::format("{}{}{}", prefix_, node.op == Op::kRead ? node.name + "_" : word(node.op), id);
}

std::string PipelineText::at(NodeId id, int cycle) {
  const Node& node = leaf_.graph[id];
  if (node.op == Op::kConstant) return literal(node.value, node.width());
  std::string text = node_name(id);
  if (node.op == Op::kInput) return text;
  const int distance = cycle - ready(id);
  ensure(distance >= 0, "{} is used before it is there", text);
  if (distance > 0) {
    taps_[id].insert(distance);
    text += fmt::format("_d{}", distance);
  }
  return text;
}

std::string PipelineText::at(NodeId id, int cycle, int width) {
  const Node& node = leaf_.graph[id];
  if (node.op == Op::kConstant) return literal(node.value, width);
  return resized(at(id, cycle), node.width(), width);
}

std::string PipelineText::operand(NodeId user, std::size_t position) {
  return at(leaf_.graph[user].operands[position], start(user));
}

std::string PipelineText::operand(NodeId user, std::size_t position, int width) {
  return at(leaf_.graph[user].operands[position], start(user), width);
}

void PipelineText::operation(NodeId id) {
  const Node& node = leaf_.graph[id];
  switch (node.op) {
    case Op::kConstant:
    case Op::kInput:
    case Op::kCounter:
      return;
    case Op::kRead:
      return read(id);
    case Op::kWrite:
      return write_site(id);
    case Op::kMul:
    case Op::kQuotient:
    case Op::kRemainder: {
      const Node& a = leaf_.graph[node.operands[0]];
      const Node& b = leaf_.graph[node.operands[1]];
      const std::string target = node_name(id);
      text_.line(fmt::format("{} {};", vector_type(node.width(), node.is_signed()), target));
      const bool is_product = node.op == Op::kMul;
      std::string parameters =
          fmt::format(".A_WIDTH({}), .A_SIGNED({:d}), .B_WIDTH({}), .B_SIGNED({:d})", a.width(),
                      a.is_signed(), b.width(), b.is_signed());
      if (is_product) {
        parameters +=
            fmt::format(", .P_WIDTH({}), .LATENCY({})", node.width(), ready(id) - start(id));
      } else {
        parameters += fmt::format(", .Q_WIDTH({}), .REMAINDER({:d})", node.width(),
                                  node.op == Op::kRemainder);
      }
      text_.line(fmt::format("{} #({}) {}_unit (.clk, .ce, .a({}), .b({}), .{}({}));",
                             is_product ? "multiply" : "divide", parameters, target, operand(id, 0),
                             operand(id, 1), is_product ? "p" : "q", target));
      return;
    }
    default:
      text_.line(fmt::format("wire {}[{}:0] {} = {};", node.is_signed() ? "signed " : "",
                             node.width() - 1, node_name(id), expression(id)));
  }
}

std::string PipelineText::compare(NodeId id) {
  const Node& node = leaf_.graph[id];
  const Node& a = leaf_.graph[node.operands[0]];
  const Node& b = leaf_.graph[node.operands[1]];
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
  const Node& node = leaf_.graph[id];
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
      const int from = leaf_.graph[node.operands[0]].width();
      if (first == 0) return operand(id, 0, width);
      if (first + width <= from) return fmt::format("{}[{} +: {}]", operand(id, 0), first, width);
      return fmt::format("{}'({} >>> {})", width, operand(id, 0), first);
    }
    case Op::kShiftLeft: {
      const Node& amount = leaf_.graph[node.operands[1]];
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

void PipelineText::read(NodeId id) {
  const Node& node = leaf_.graph[id];
  const Memory& memory = design_.memory(node.name);
  const Type& element = memory.array.element;
  const int width = element.bits();
  const NodeId index = node.operands[0];
  const std::string target = node_name(id);
  const std::string declared =
      fmt::format("wire {}[{}:0] {}", node.is_signed() ? "signed " : "", width - 1, target);
  Site site;
  site.array = node.name;
  switch (memory.kind) {
    case Memory::Kind::kRegisters:
      if (memory.elements == 1) return text_.line(fmt::format("{} = reg_{};", declared, node.name));
      return text_.line(fmt::format("{} = reg_{}[{} * {} +: {}];", declared, node.name,
                                    at(index, start(id), 32), width, width));
    case Memory::Kind::kRom:
      text_.line(fmt::format("{} {};", vector_type(width, node.is_signed()), target));
      return text_.line(fmt::format("always_ff @(posedge clk) if (ce) {} <= rom_{}[{} * {} +: {}];",
                                    target, node.name, at(index, start(id), 32), width, width));
    case Memory::Kind::kRam:
      text_.line(fmt::format("{} = ram_{}_rdata;", declared, node.name));
      break;
    case Memory::Kind::kGlobal:
      text_.line(fmt::format("{} = {};", declared,
                             resized(node.name + "_data", 8 * element.bytes(), width)));
      site.data_wanted = happens(node, ready(id));
      site.waits = leaf_.waits.contains(node.name);
      break;
  }
  site.wanted = happens(node, start(id));
  site.index = at(index, start(id));
  site.index_width = leaf_.graph[index].width();
  sites_.push_back(std::move(site));
}

void PipelineText::write_site(NodeId id) {
  const Node& node = leaf_.graph[id];
  const Memory& memory = design_.memory(node.name);
  const Type& element = memory.array.element;
  const int width = memory.kind == Memory::Kind::kGlobal ? 8 * element.bytes() : element.bits();
  Site site;
  site.array = node.name;
  site.is_write = true;
  site.wanted = happens(node, start(id));
  site.index = operand(id, 0);
  site.index_width = leaf_.graph[node.operands[0]].width();
  site.data = operand(id, 1, width);
  sites_.push_back(std::move(site));
}

void PipelineText::delays() {
  std::vector<std::string> single;
  for (const auto& [id, distances] : taps_) {
    const Node& node = leaf_.graph[id];
    std::string from = node_name(id);
    int done = 0;
    for (const int distance : distances) {
      const std::string to = fmt::format("{}_d{}", node_name(id), distance);
      declarations_.line(fmt::format("{} {};", vector_type(node.width(), node.is_signed()), to));
      if (distance - done == 1) {
        single.push_back(fmt::format("{} <= {};", to, from));
      } else {
        text_.line(fmt::format(
            "delay_line #(.WIDTH({}), .LATENCY({})) {}_line (.clk, .ce, .in({}), .out({}));",
            node.width(), distance - done, to, from, to));
      }
      done = distance;
      from = to;
    }
  }
  if (single.empty()) return;
  text_.line("always_ff @(posedge clk) if (ce) begin");
  for (const std::string& line : single) text_.line("  " + line);
  text_.line("end");
}

}  // namespace heddle::kernel::rtl
