#include "reference.h"

#include <cmath>
#include <cstring>
#include <numbers>

namespace heddle {
namespace {

using Values = std::vector<double>;
using Size = std::size_t;

Size size(std::int64_t value) {
  return static_cast<Size>(value);
}

double apply(Function function, double x) {
  switch (function) {
    case Function::kGeluTanh:
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Function::kGeluErf:
      return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case Function::kSilu:
      return x / (1 + std::exp(-x));
    case Function::kRelu:
      return x > 0 ? x : 0;
  }
  return 0;
}

/// One operator application on plain vectors.
struct Application {
  std::vector<const Values*> in;
  std::vector<Shape> shapes;
  Shape out_shape;

  [[nodiscard]] Size count() const { return size(element_count(out_shape)); }
  [[nodiscard]] Size width() const { return size(out_shape.back()); }

  template <typename Element>
  Values each(Element element) const {
    Values out(count());
    for (Size i = 0; i < out.size(); ++i) out[i] = element(i);
    return out;
  }

  Values operator()(const Linear&) const {
    const Size depth = size(shapes[0].back());
    return each([&](Size i) {
      double sum = in.size() == 3 ? (*in[2])[i % width()] : 0;
      for (Size k = 0; k < depth; ++k) {
        sum += (*in[0])[i / width() * depth + k] * (*in[1])[i % width() * depth + k];
      }
      return sum;
    });
  }
  Values operator()(const Add&) const {
    return each([&](Size i) { return (*in[0])[i] + (*in[1])[i % in[1]->size()]; });
  }
  Values operator()(const Scale& op) const {
    return each([&](Size i) { return op.factor * (*in[0])[i]; });
  }
  Values operator()(const Map& op) const {
    return each([&](Size i) { return apply(op.function, (*in[0])[i]); });
  }
  Values operator()(const Gate& op) const {
    return each([&](Size i) { return apply(op.function, (*in[0])[i]) * (*in[1])[i]; });
  }
  Values operator()(const LayerNorm& op) const {
    return each([&](Size i) {
      const double* row = in[0]->data() + i / width() * width();
      double mean = 0, variance = 0;
      for (Size k = 0; k < width(); ++k) mean += row[k] / static_cast<double>(width());
      for (Size k = 0; k < width(); ++k) {
        variance += (row[k] - mean) * (row[k] - mean) / static_cast<double>(width());
      }
      const Size k = i % width();
      return (row[k] - mean) / std::sqrt(variance + op.epsilon) * (*in[1])[k] + (*in[2])[k];
    });
  }
  Values operator()(const RmsNorm& op) const {
    return each([&](Size i) {
      const double* row = in[0]->data() + i / width() * width();
      double square = 0;
      for (Size k = 0; k < width(); ++k) square += row[k] * row[k] / static_cast<double>(width());
      return row[i % width()] / std::sqrt(square + op.epsilon) * (*in[1])[i % width()];
    });
  }
  Values operator()(const Rope& op) const {
    return each([&](Size i) {
      const Size head_dim = size(op.head_dim), half = size(op.rotary_dim / 2);
      const Size k = i % head_dim;
      if (k >= 2 * half) return (*in[0])[i];
      const double position =
          static_cast<double>(op.first_position) + static_cast<double>(i / width());
      const double angle =
          position * std::pow(op.theta, -static_cast<double>(k % half) / static_cast<double>(half));
      return k < half ? (*in[0])[i] * std::cos(angle) - (*in[0])[i + half] * std::sin(angle)
                      : (*in[0])[i] * std::cos(angle) + (*in[0])[i - half] * std::sin(angle);
    });
  }
  Values operator()(const Attention& op) const {
    const Size queries = size(shapes[0][shapes[0].size() - 2]);
    const Size keys = size(shapes[1][shapes[1].size() - 2]);
    const Size dim = size(op.head_dim), key_width = size(op.kv_heads) * dim;
    Values out(count());
    for (Size row = 0; row < out.size() / width(); ++row) {
      for (Size head = 0; head < size(op.heads); ++head) {
        const Size first =
            row / queries * keys * key_width + head / size(op.heads / op.kv_heads) * dim;
        const double* q = in[0]->data() + row * width() + head * dim;
        Values weight(size(op.visible(static_cast<std::int64_t>(row % queries))));
        double total = 0;
        for (Size key = 0; key < weight.size(); ++key) {
          double score = 0;
          for (Size k = 0; k < dim; ++k) score += q[k] * (*in[1])[first + key * key_width + k];
          const Size query = row % queries;
          const double bias = in.size() < 4 ? 0 : (*in[3])[(head * queries + query) * keys + key];
          total += weight[key] = std::exp(op.scale * score + bias);
        }
        for (Size k = 0; k < dim; ++k) {
          double sum = 0;
          for (Size key = 0; key < weight.size(); ++key) {
            sum += weight[key] / total * (*in[2])[first + key * key_width + k];
          }
          out[row * width() + head * dim + k] = sum;
        }
      }
    }
    return out;
  }
  Values operator()(const RelativeBias& op) const {
    const std::int64_t buckets = shapes[0][0];
    return each([&](Size i) {
      const auto key = static_cast<std::int64_t>(i % width());
      const auto row = static_cast<std::int64_t>(i / width());
      const std::int64_t distance = key - (op.first_query + row % op.queries);
      return (*in[0])[size(op.bucket(distance, buckets) * shapes[0][1] + row / op.queries)];
    });
  }
  Values operator()(const Experts& op) const {
    const Size experts = in.size() / 2 - 1, wide = size(shapes[2][0]);
    Values out(count());
    for (Size row = 0; row < count() / width(); ++row) {
      const double* x = in[0]->data() + row * width();
      Values p(experts);
      double total = 0;
      for (Size e = 0; e < experts; ++e) {
        double score = 0;
        for (Size k = 0; k < width(); ++k) score += x[k] * (*in[1])[e * width() + k];
        total += p[e] = std::exp(score);
      }
      Size best = 0;
      for (Size e = 1; e < experts; ++e) {
        if (p[e] > p[best]) best = e;
      }
      for (Size f = 0; f < wide; ++f) {
        double middle = 0;
        for (Size k = 0; k < width(); ++k) middle += x[k] * (*in[2 + 2 * best])[f * width() + k];
        const double active = apply(op.function, middle) * p[best] / total;
        for (Size k = 0; k < width(); ++k) {
          out[row * width() + k] += active * (*in[3 + 2 * best])[k * wide + f];
        }
      }
    }
    return out;
  }
  Values operator()(const Embedding&) const {
    return each([&](Size i) {
      return (*in[0])[static_cast<Size>((*in[1])[i / width()]) * width() + i % width()];
    });
  }
  Values operator()(const Patchify& op) const {
    const Size side = size(op.size), channels = size(shapes[0][1]);
    const Size height = size(shapes[0][2]), across = size(shapes[0][3]);
    return each([&](Size i) {
      const Size x = i % side, y = i / side % side, c = i / side / side % channels;
      const Size patch = i / width(), columns = across / side, down = height / side;
      const Size image = patch / (columns * down);
      return (
          *in[0])[((image * channels + c) * height + patch / columns % down * side + y) * across +
                  patch % columns * side + x];
    });
  }
  Values operator()(const PixelShuffle& op) const {
    const Size factor = size(op.factor), depth = size(shapes[0][2]);
    const Size side = size(std::llround(std::sqrt(shapes[0][1])));
    return each([&](Size i) {
      const Size channel = i % depth, x = i / depth % factor, y = i / depth / factor % factor;
      const Size token = i / width(), small = side / factor;
      const Size image = token / (small * small);
      const Size row = token / small % small * factor + y, column = token % small * factor + x;
      return (*in[0])[((image * side + row) * side + column) * depth + channel];
    });
  }
  Values operator()(const Reshape&) const { return *in[0]; }
  Values operator()(const Repeat&) const {
    return each([&](Size i) { return (*in[0])[i % in[0]->size()]; });
  }
  Values operator()(const Concat& op) const {
    Size inner = 1;
    for (Size d = size(op.axis) + 1; d < out_shape.size(); ++d) inner *= size(out_shape[d]);
    const Size extent = size(out_shape[size(op.axis)]);
    return each([&](Size i) {
      const Size outer = i / (inner * extent);
      Size at = i / inner % extent;
      for (Size part = 0;; ++part) {
        const Size here = size(shapes[part][size(op.axis)]);
        if (at < here) return (*in[part])[(outer * here + at) * inner + i % inner];
        at -= here;
      }
    });
  }
  Values operator()(const Slice& op) const {
    Size inner = 1;
    for (Size d = size(op.axis) + 1; d < out_shape.size(); ++d) inner *= size(out_shape[d]);
    const Size extent = size(shapes[0][size(op.axis)]), taken = size(op.end - op.begin);
    return each([&](Size i) {
      const Size outer = i / (inner * taken), at = i / inner % taken + size(op.begin);
      return (*in[0])[(outer * extent + at) * inner + i % inner];
    });
  }
};

class Evaluator {
 public:
  explicit Evaluator(const Graph& graph) : graph_(graph), values_(graph.values.size()) {}

  std::vector<Values>& values() { return values_; }

  void run(const std::vector<Node>& nodes) {
    for (const Node& node : nodes) {
      if (const auto* loop = std::get_if<Loop>(&node.what)) {
        run(*loop);
        continue;
      }
      Application application{{}, {}, graph_[node.output].shape};
      for (const ValueId id : node.inputs) {
        application.in.push_back(&values_[id.index]);
        application.shapes.push_back(graph_[id].shape);
      }
      values_[node.output.index] = std::visit(application, std::get<Operator>(node.what));
    }
  }

 private:
  void run(const Loop& loop) {
    for (const auto& c : loop.carried) values_[c.current.index] = values_[c.initial.index];
    for (std::int64_t trip = 0; trip < loop.trips; ++trip) {
      for (const auto& s : loop.scanned) {
        const Size row = size(element_count(graph_[s.row].shape));
        const auto begin =
            values_[s.source.index].begin() + trip * static_cast<std::ptrdiff_t>(row);
        values_[s.row.index] = Values(begin, begin + static_cast<std::ptrdiff_t>(row));
      }
      run(loop.body);
      for (const auto& c : loop.carried) values_[c.current.index] = values_[c.next.index];
    }
    for (const auto& c : loop.carried) values_[c.result.index] = values_[c.current.index];
  }

  const Graph& graph_;
  std::vector<Values> values_;
};

}  // namespace

std::map<std::string, std::vector<double>> evaluate(
    const Graph& graph, const std::map<std::string, std::vector<double>>& given) {
  Evaluator evaluator(graph);
  for (Size i = 0; i < graph.values.size(); ++i) {
    const auto found = given.find(graph.values[i].name);
    if (found != given.end()) evaluator.values()[i] = found->second;
  }
  evaluator.run(graph.nodes);
  std::map<std::string, std::vector<double>> results;
  for (Size i = 0; i < graph.values.size(); ++i) {
    results[graph.values[i].name] = evaluator.values()[i];
  }
  return results;
}

}  // namespace heddle
