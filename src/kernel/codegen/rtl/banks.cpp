#include "kernel/codegen/rtl/banks.h"

#include <numeric>
#include <set>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"

namespace heddle::kernel::rtl {
namespace {

/// One of the numbers that an element's place is made of.
struct Digit {
  std::int64_t count = 1;
  bool is_bank = false;
};

/// An index under division: a linear form, and what was found of it with a divider.
struct Index {
  LinearForm form;
  NodeId rest = kNoNode;
};

/// The digits of one dimension, the most significant first: block, word or both, place in a word.
std::vector<Digit> digits_of(std::int64_t extent, const Partition& partition, std::int64_t lanes,
                             bool registers) {
  const std::int64_t words = (extent + lanes - 1) / lanes;
  const std::int64_t deep = (words + partition.factor - 1) / partition.factor;
  std::vector<Digit> digits;
  if (registers) {
    digits = {{words, true}};
  } else {
    switch (partition.kind) {
      case Partition::Kind::kNone:
        digits = {{words, false}};
        break;
      case Partition::Kind::kComplete:
        digits = {{words, true}};
        break;
      case Partition::Kind::kCyclic:
        digits = {{deep, false}, {partition.factor, true}};
        break;
      case Partition::Kind::kBlock:
        digits = {{partition.factor, true}, {deep, false}};
        break;
    }
  }
  if (lanes > 1) digits.push_back({lanes, true});
  return digits;
}

Partition partition_of(const Array& array, std::size_t dimension) {
  return array.partition.empty() ? Partition{} : array.partition[dimension];
}

std::int64_t lanes_of(const Array& array, std::size_t dimension) {
  return dimension + 1 == array.shape.size() ? array.lanes : 1;
}

std::int64_t extent_of(const Array& array, std::size_t dimension) {
  const Int128* extent = as_integer(array.shape[dimension]);
  ensure(extent != nullptr, "the extents of {} are literals", array.name);
  return static_cast<std::int64_t>(*extent);
}

class Placer {
 public:
  Placer(Graph& graph, const Lower& lower) : graph_(graph), lower_(lower) {
    place_.address = place_.bank = place_.choice = graph.constant(0);
  }

  /// Takes a dimension's digits off an index, the last one first, and appends them to the place.
  void add(Index index, const std::vector<Digit>& digits) {
    std::vector<std::pair<NodeId, Digit>> values;
    values.reserve(2 * digits.size());
    for (std::size_t d = digits.size(); d-- > 0;) {
      Digit digit = digits[d];
      const std::int64_t step = digit.is_bank ? step_of(index, digit.count) : 1;
      if (step > 1) {
        values.push_back({remainder(index, step), {step, true}});
        digit.count /= step;
      }
      values.push_back({d == 0 ? whole(index) : remainder(index, digit.count), digit});
    }
    for (std::size_t v = values.size(); v-- > 0;) append(values[v].first, values[v].second);
  }

  [[nodiscard]] const Place& place() const { return place_; }

 private:
  NodeId whole(const Index& index) {
    const NodeId sum = lower_(index.form);
    return index.rest == kNoNode ? sum : graph_.add(sum, index.rest);
  }

  /// What divides `count` and all by which the index moves from one iteration to another: lanes
  /// that differ modulo the step never choose the same bank. 1 for an index of lanes alone.
  std::int64_t step_of(const Index& index, std::int64_t count) {
    if (index.rest != kNoNode && !graph_.is_fixed(index.rest)) return 1;
    std::int64_t moves = 0;
    for (const LinearForm::Term& term : index.form.terms) {
      if (!graph_.is_fixed(lower_({{term}, 0}))) moves = std::gcd(moves, term.factor);
    }
    return moves == 0 ? 1 : std::gcd(moves, count);
  }

  /// index modulo count; leaves the quotient (toward negative infinity) in index.
  NodeId remainder(Index& index, std::int64_t count) {
    Index rest{{}, index.rest};
    LinearForm quotient;
    for (const LinearForm::Term& term : index.form.terms) {
      const bool divides = term.factor % count == 0;
      (divides ? quotient : rest.form).terms.push_back(term);
      if (divides) quotient.terms.back().factor /= count;
    }
    rest.form.constant = ((index.form.constant % count) + count) % count;
    quotient.constant = (index.form.constant - rest.form.constant) / count;
    const NodeId left = whole(rest);
    index = {quotient, kNoNode};
    const Node& node = graph_[left];
    if (node.low >= 0 && node.high < count) return left;
    const NodeId divisor = graph_.constant(count);
    if (graph_.is_fixed(left)) {
      // Lanes alone: no divider is made.
      const Int128 down = node.low >= 0 ? 0 : (-node.low + count - 1) / count;
      const NodeId natural = graph_.add(left, graph_.constant(down * count));
      index.form.constant -= static_cast<std::int64_t>(down);
      index.rest = graph_.quotient(natural, divisor);
      return graph_.remainder(natural, divisor);
    }
    const auto operation = [&](BinaryOp op) {
      return apply(graph_, op, left, index_type(), divisor, index_type(), index_type());
    };
    index.rest = operation(BinaryOp::kDiv);
    return operation(BinaryOp::kMod);
  }

  void append(NodeId value, const Digit& digit) {
    const NodeId count = graph_.constant(digit.count);
    if (!digit.is_bank) {
      place_.address = graph_.add(graph_.mul(place_.address, count), value);
      return;
    }
    place_.bank = graph_.mul(place_.bank, count);
    for (std::int64_t& offset : place_.offsets) offset *= digit.count;
    if (graph_.is_fixed(value)) {
      place_.bank = graph_.add(place_.bank, value);
      return;
    }
    place_.choice = graph_.add(graph_.mul(place_.choice, count), value);
    std::vector<std::int64_t> offsets;
    for (const std::int64_t offset : place_.offsets) {
      for (std::int64_t i = 0; i < digit.count; ++i) offsets.push_back(offset + i);
    }
    place_.offsets = std::move(offsets);
  }

  Graph& graph_;
  const Lower& lower_;
  Place place_;
};

}  // namespace

Banks banks_of(const Array& array, bool registers) {
  Banks banks;
  for (std::size_t d = 0; d < array.shape.size(); ++d) {
    for (const Digit& digit :
         digits_of(extent_of(array, d), partition_of(array, d), lanes_of(array, d), registers)) {
      (digit.is_bank ? banks.count : banks.depth) *= digit.count;
    }
  }
  return banks;
}

std::vector<std::int64_t> banks_of(const Graph& graph, const Node& access,
                                   const std::vector<std::int64_t>& lane) {
  const auto first = static_cast<std::int64_t>(graph.fixed_value(access.operands[1], lane));
  std::vector<std::int64_t> banks = access.offsets;
  for (std::int64_t& bank : banks) bank += first;
  return banks;
}

std::vector<std::int64_t> banks_of(const Graph& graph, const Node& access) {
  std::set<std::int64_t> banks;
  graph.for_each_lane(graph[access.operands[1]].lanes, [&](const std::vector<std::int64_t>& lane) {
    const std::vector<std::int64_t> some = banks_of(graph, access, lane);
    banks.insert(some.begin(), some.end());
  });
  return {banks.begin(), banks.end()};
}

Place place_on_chip(Graph& graph, const Array& array, bool registers,
                    const std::vector<Expr>& indices, const Lower& lower) {
  Placer placer(graph, lower);
  for (std::size_t d = 0; d < indices.size(); ++d) {
    placer.add(
        {linear_form(indices[d]), kNoNode},
        digits_of(extent_of(array, d), partition_of(array, d), lanes_of(array, d), registers));
  }
  return placer.place();
}

Place place_in_memory(Graph& graph, const Array& array, const std::vector<Expr>& indices,
                      const Lower& lower) {
  Expr flat = constant(index_type(), Int128{0});
  for (std::size_t d = 0; d < indices.size(); ++d) flat = flat * array.shape[d] + indices[d];
  Placer placer(graph, lower);
  std::vector<Digit> digits = {{1, false}};  // Nothing is multiplied with how many words there are.
  if (array.lanes > 1) digits.push_back({array.lanes, true});
  placer.add({linear_form(flat), kNoNode}, digits);
  return placer.place();
}

}  // namespace heddle::kernel::rtl
