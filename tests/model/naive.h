// Transformers as plain loops in double precision, and random checkpoints to run them on: what
// tests hold a model's Graph in the float engine against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "cost/work.h"
#include "engine/float/engine.h"
#include "model/tensor_table.h"
#include "support/scratch.h"

namespace heddle::naive {

struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;

  Matrix(std::size_t of_rows, std::size_t of_columns)
      : rows(of_rows), columns(of_columns), values(of_rows * of_columns) {}
  double& at(std::size_t row, std::size_t column) { return values[row * columns + column]; }
  [[nodiscard]] double at(std::size_t row, std::size_t column) const {
    return values[row * columns + column];
  }
};

/// Every tensor of a table with random numbers, as a file for the engine and as matrices whose rows
/// are those of the first extent (one row for a vector).
class Checkpoint {
 public:
  explicit Checkpoint(const TensorTable& table) {
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    std::map<std::string, Tensor> tensors;
    for (const ExpectedTensor& spec : table.all()) {
      const bool is_vector = spec.shape.size() == 1;
      const auto rows = is_vector ? 1 : static_cast<std::size_t>(spec.shape[0]);
      const auto count = static_cast<std::size_t>(element_count(spec.shape));
      Matrix matrix(rows, count / rows);
      const double deviation = is_vector ? 0.5 : 1 / std::sqrt(static_cast<double>(count / rows));
      Tensor tensor(DType::kF32, spec.shape);
      for (std::size_t i = 0; i < count; ++i) {
        const auto number = static_cast<float>(deviation * normal(random));
        tensor.floats()[i] = number;
        matrix.values[i] = number;
      }
      tensors.emplace(spec.name, tensor);
      matrices_.emplace(spec.name, std::move(matrix));
    }
    std::map<std::string, TensorView> views;
    for (const auto& [name, tensor] : tensors) views.emplace(name, tensor.view());
    write_safetensors(file_, views);
  }

  [[nodiscard]] const Matrix& operator[](const std::string& name) const {
    return matrices_.at(name);
  }
  [[nodiscard]] bool has(const std::string& name) const { return matrices_.contains(name); }

  [[nodiscard]] RunResult run(const Graph& graph,
                              const std::map<std::string, Tensor>& inputs) const {
    const SafeTensors checkpoint(file_);
    ThreadPool pool(2);
    FloatWeights weights(checkpoint, FloatPrecision::kF32, pool);
    return FloatEngine(graph, weights, pool).run(inputs);
  }

 private:
  Scratch scratch_;
  std::filesystem::path file_ = scratch_ / "model.safetensors";
  std::map<std::string, Matrix> matrices_;
};

inline Tensor ids_tensor(const std::vector<std::int32_t>& ids) {
  Tensor tensor(DType::kI32, {std::ssize(ids)});
  std::memcpy(tensor.bytes.data(), ids.data(), ids.size() * sizeof(std::int32_t));
  return tensor;
}

inline Matrix rows_of(const Matrix& table, const std::vector<std::int32_t>& ids) {
  Matrix out(ids.size(), table.columns);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    for (std::size_t k = 0; k < out.columns; ++k) {
      out.at(i, k) = table.at(static_cast<std::size_t>(ids[i]), k);
    }
  }
  return out;
}

/// Multiplications of numbers that linear() and attention() have made so far, scaling left out.
inline std::int64_t multiplications = 0;

/// What a run of the Graph multiplies, as the cost model counts it: pairs that no mask hides.
inline std::int64_t counted(const Graph& graph) {
  cost::OperationCount all;
  for (const cost::PartWork& part : cost::work_of_operators(graph)) all += part.operations;
  return all[cost::Operation::kLinear] + all[cost::Operation::kVisible];
}

/// x W^T + b of the tensors `prefix`.weight and, if there is one, `prefix`.bias.
inline Matrix linear(const Checkpoint& weights, const std::string& prefix, const Matrix& x) {
  const Matrix& w = weights[prefix + ".weight"];
  Matrix out(x.rows, w.rows);
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (std::size_t j = 0; j < w.rows; ++j) {
      double sum = weights.has(prefix + ".bias") ? weights[prefix + ".bias"].at(0, j) : 0;
      for (std::size_t k = 0; k < x.columns; ++k) {
        sum += x.at(i, k) * w.at(j, k);
        ++multiplications;
      }
      out.at(i, j) = sum;
    }
  }
  return out;
}

/// With the mean taken away and a bias, or without both.
inline Matrix norm(const Checkpoint& weights, const std::string& prefix, const Matrix& x,
                   double epsilon, bool centred) {
  Matrix out = x;
  const auto n = static_cast<double>(x.columns);
  for (std::size_t i = 0; i < x.rows; ++i) {
    double mean = 0, square = 0;
    for (std::size_t k = 0; centred && k < x.columns; ++k) mean += x.at(i, k) / n;
    for (std::size_t k = 0; k < x.columns; ++k) {
      square += (x.at(i, k) - mean) * (x.at(i, k) - mean) / n;
    }
    for (std::size_t k = 0; k < x.columns; ++k) {
      out.at(i, k) =
          (x.at(i, k) - mean) / std::sqrt(square + epsilon) * weights[prefix + ".weight"].at(0, k) +
          (centred ? weights[prefix + ".bias"].at(0, k) : 0);
    }
  }
  return out;
}

inline Matrix each(Matrix x, double (*function)(double)) {
  for (double& value : x.values) value = function(value);
  return x;
}
inline double gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}
inline double gelu_erf(double x) {
  return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
}
inline double relu(double x) {
  return x > 0 ? x : 0;
}

inline Matrix sum(Matrix a, const Matrix& b) {
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] += b.values[i];
  return a;
}

/// As many heads of keys as of queries. The score of query i and key j in head h is scale q k +
/// bias(h, i, j); query i sees key j if sees(i, j).
inline Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v, std::size_t heads,
                        double scale,
                        const std::function<double(std::size_t, std::size_t, std::size_t)>& bias,
                        const std::function<bool(std::size_t, std::size_t)>& sees) {
  Matrix out(q.rows, q.columns);
  const std::size_t size = q.columns / heads;
  for (std::size_t h = 0; h < heads; ++h) {
    for (std::size_t i = 0; i < q.rows; ++i) {
      std::vector<double> weight(k.rows);
      double total = 0;
      for (std::size_t j = 0; j < k.rows; ++j) {
        if (!sees(i, j)) continue;
        double score = 0;
        for (std::size_t d = h * size; d < (h + 1) * size; ++d) {
          score += q.at(i, d) * k.at(j, d);
          ++multiplications;
        }
        total += weight[j] = std::exp(scale * score + bias(h, i, j));
      }
      for (std::size_t j = 0; j < k.rows; ++j) {
        if (!sees(i, j)) continue;
        for (std::size_t d = h * size; d < (h + 1) * size; ++d) {
          out.at(i, d) += weight[j] / total * v.at(j, d);
          ++multiplications;
        }
      }
    }
  }
  return out;
}

/// First the rows of `a`, then those of `b`.
inline Matrix stacked(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows + b.rows, b.columns);
  std::copy(a.values.begin(), a.values.end(), out.values.begin());
  std::copy(b.values.begin(), b.values.end(),
            out.values.begin() + static_cast<std::ptrdiff_t>(a.values.size()));
  return out;
}

inline Matrix part(const Matrix& x, std::size_t begin, std::size_t end) {
  Matrix out(end - begin, x.columns);
  for (std::size_t i = 0; i < out.rows; ++i) {
    for (std::size_t k = 0; k < x.columns; ++k) out.at(i, k) = x.at(begin + i, k);
  }
  return out;
}

/// The largest deviation, relative to the largest element.
inline double error(const Matrix& wanted, const Tensor& found) {
  double deviation = 0, largest = 1e-9;
  for (std::size_t i = 0; i < wanted.values.size(); ++i) {
    largest = std::max(largest, std::abs(wanted.values[i]));
    deviation = std::max(deviation, std::abs(wanted.values[i] - double{found.floats()[i]}));
  }
  return deviation / largest;
}

}  // namespace heddle::naive
