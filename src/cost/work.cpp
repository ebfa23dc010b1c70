#include "cost/work.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "cost/activations.h"
#include "cost/walk.h"

namespace heddle::cost {
namespace {

using enum Operation;

/// What one application of an operator computes. A new operator does not compile without a rule.
class Application {
 public:
  Application(const Graph& graph, const Node& node)
      : graph_(graph), node_(node), made_(element_count(graph[node.output].shape)) {}

  OperationCount operations;
  std::vector<Product> products;

  void operator()(const Linear&) {
    const std::int64_t columns = shape(1)[0];
    add_product({1, made_ / columns, columns, element_count(shape(1)) / columns, true});
  }

  void operator()(const Attention& op) {
    const Shape& q = shape(0);
    const std::int64_t queries = q[q.size() - 2];
    const std::int64_t keys = shape(1)[shape(1).size() - 2];
    const std::int64_t heads = product(element_count(q) / (queries * q.back()), op.heads);
    add_product({heads, queries, keys, op.head_dim, false});
    add_product({heads, queries, op.head_dim, keys, false});
    std::int64_t pairs = 0;
    for (std::int64_t i = 0; i < queries; ++i) pairs += op.visible(i);
    operations[kVisible] = product(heads, pairs, 2, op.head_dim);
    operations[kExponentials] = product(heads, pairs);
    const bool has_bias = node_.inputs.size() > 3;
    if (has_bias) operations[kAdded] = product(heads, pairs);
  }

  void operator()(const Experts&) {
    const std::int64_t inner = shape(0).back();
    const std::int64_t wide = shape(2).front();
    const std::int64_t rows = made_ / inner;
    const std::int64_t experts = shape(1).front();
    add_product({1, rows, experts, inner, true});
    // Which experts rows choose is not known; here as many as can be, and all equally busy.
    const std::int64_t hit = std::min(rows, experts);
    const auto add_experts = [&](std::int64_t count, std::int64_t rows_each) {
      if (count == 0) return;
      add_product({count, rows_each, wide, inner, true});
      add_product({count, rows_each, inner, wide, true});
    };
    add_experts(rows % hit, rows / hit + 1);
    add_experts(hit - rows % hit, rows / hit);
    operations[kFunctions] = product(rows, wide);
    operations[kExponentials] = product(rows, experts);
    operations[kMultiplied] = made_;
  }

  void operator()(const Add&) { operations[kAdded] = made_; }
  void operator()(const Scale&) { operations[kMultiplied] = made_; }
  void operator()(const Map&) { operations[kFunctions] = made_; }
  void operator()(const Gate&) { operations[kFunctions] = operations[kMultiplied] = made_; }
  void operator()(const LayerNorm&) { operations[kNormalised] = made_; }
  void operator()(const RmsNorm&) { operations[kNormalised] = made_; }
  void operator()(const Rope& op) { operations[kRotated] = made_ / op.head_dim * op.rotary_dim; }
  void operator()(const RelativeBias&) {}
  void operator()(const Embedding&) {}
  void operator()(const Patchify&) {}
  void operator()(const PixelShuffle&) {}
  void operator()(const Reshape&) {}
  void operator()(const Repeat&) {}
  void operator()(const Concat&) {}
  void operator()(const Slice&) {}

 private:
  [[nodiscard]] const Shape& shape(std::size_t input) const {
    return graph_[node_.inputs[input]].shape;
  }

  void add_product(const Product& one) {
    OperationCount macs;
    macs[one.is_of_weights ? kLinear : kAttention] =
        product(one.times, one.rows, one.columns, one.inner);
    operations += macs;
    products.push_back(one);
  }

  const Graph& graph_;
  const Node& node_;
  std::int64_t made_;
};

/// What a node reads of the weight that is its input `input`.
WeightCount weight_read(const Graph& graph, const Node& node, std::size_t input) {
  const auto& op = std::get<Operator>(node.what);
  const Shape& result = graph[node.output].shape;
  WeightCount count;
  if (std::holds_alternative<Embedding>(op)) {
    count[WeightPart::kOther] = element_count(result);
    count[WeightPart::kRows] = result.front();
    return count;
  }
  // Rows may all choose different experts, but no more of them than there are rows.
  const bool is_spared =
      std::holds_alternative<Experts>(op) && input >= 2 &&
      static_cast<std::int64_t>(input - 2) / 2 >= element_count(result) / result.back();
  return is_spared ? count : weight_of(graph, node, input);
}

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> split(const std::string& name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (c == '.') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

}  // namespace

const char* name_of(Operation operation) {
  constexpr std::array kNames = {"linear",       "attention",  "visible_attention",
                                 "exponentials", "functions",  "normalised",
                                 "rotated",      "multiplied", "added"};
  static_assert(kNames.size() == OperationCount::kKinds);
  return kNames[static_cast<std::size_t>(operation)];
}

std::int64_t macs_of(const OperationCount& operations) {
  OperationCount macs;
  macs[kLinear] = operations[kLinear];
  macs[kAttention] = operations[kAttention];
  return macs.total();
}

WeightCount weight_of(const Graph& graph, const Node& node, std::size_t input) {
  const auto& op = std::get<Operator>(node.what);
  const Shape& shape = graph[node.inputs[input]].shape;
  // The router of experts stays as exact as a vector.
  const bool is_matrix = (std::holds_alternative<Linear>(op) && input == 1) ||
                         (std::holds_alternative<Experts>(op) && input >= 2);
  const bool is_table = std::holds_alternative<Embedding>(op);
  const std::int64_t elements = element_count(shape);
  WeightCount count;
  if (!is_matrix && !is_table) {
    count[WeightPart::kVectors] = elements;
    return count;
  }
  const bool is_grouped = is_matrix && elements / shape.front() % kWeightGroup == 0;
  count[is_grouped ? WeightPart::kGrouped : WeightPart::kOther] = elements;
  count[WeightPart::kRows] = shape.front();
  return count;
}

PartWork& PartWork::operator+=(const PartWork& other) {
  if (op != other.op) op.clear();
  runs += other.runs;
  operations += other.operations;
  weights += other.weights;
  read += other.read;
  written += other.written;
  products.insert(products.end(), other.products.begin(), other.products.end());
  return *this;
}

std::vector<PartWork> work_of_operators(const Graph& graph) {
  const auto roles = activation_roles(graph);
  std::vector<PartWork> parts;
  for_each_operator(graph, [&](const Node& node, const Operator& op, const Loop* loop) {
    const std::int64_t trips = loop == nullptr ? 1 : loop->trips;
    Application application(graph, node);
    std::visit(application, op);
    PartWork part;
    part.name = graph[node.output].name;
    part.stage = node.stage;
    part.op = heddle::name_of(op);
    part.runs = trips;
    part.operations = application.operations * trips;
    part.products = std::move(application.products);
    for (Product& one : part.products) one.times = product(one.times, trips);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Value& value = graph[node.inputs[i]];
      if (value.kind == ValueKind::kWeight) {
        part.weights += weight_read(graph, node, i) * trips;
      } else if (!is_view(op)) {
        part.read += count_of(value, roles[node.inputs[i].index]) * trips;
      }
    }
    if (!is_view(op)) {
      part.written = count_of(graph[node.output], roles[node.output.index]) * trips;
    }
    parts.push_back(std::move(part));
  });
  return parts;
}

std::vector<PartWork> grouped(const std::vector<PartWork>& parts,
                              std::string (*key)(const std::string& name)) {
  std::vector<PartWork> groups;
  std::map<std::pair<std::size_t, std::string>, std::size_t> places;
  for (const PartWork& part : parts) {
    const std::string name = key(part.name);
    const auto [place, is_new] = places.try_emplace({part.stage, name}, groups.size());
    if (!is_new) {
      groups[place->second] += part;
      continue;
    }
    groups.push_back(part);
    groups.back().name = name;
  }
  return groups;
}

std::string layer_of(const std::string& name) {
  const std::vector<std::string> words = split(name);
  const auto number = std::ranges::find_if(words, is_number);
  if (number == words.end()) return words.front();
  return std::accumulate(
      words.begin() + 1, number + 1, words.front(),
      [](const std::string& before, const std::string& word) { return before + "." + word; });
}

std::string any_layer_of(const std::string& name) {
  std::string text;
  for (const std::string& word : split(name)) {
    text += (text.empty() ? "" : ".") + (is_number(word) ? "*" : word);
  }
  return text;
}

}  // namespace heddle::cost
