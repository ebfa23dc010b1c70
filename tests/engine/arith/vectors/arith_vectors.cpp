// Writes random and extreme inputs of every operator of the integer arithmetic, with what the C++
// makes of them, for tools/arith_reference.py to compute again.
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "engine/arith/operators.h"
#include "random_inputs.h"
#include "tensor/safetensors.h"

namespace heddle::arith {
namespace {

using Json = nlohmann::ordered_json;

class Vectors : public RandomInputs {
 public:
  /// Opens a case; put() adds its tensors.
  void begin(const std::string& op, Json parameters) {
    case_ = op + "." + std::to_string(metadata_.size());
    parameters["operator"] = op;
    metadata_[case_] = parameters.dump();
  }
  template <typename T>
  void put(const std::string& name, DType dtype, Shape shape, const std::vector<T>& values) {
    ensure(static_cast<std::size_t>(element_count(shape)) == values.size(), "{} {}", case_, name);
    const auto bytes = std::as_bytes(std::span(values));
    held_.emplace_back(bytes.begin(), bytes.end());
    tensors_[case_ + "/" + name] = {dtype, std::move(shape), held_.back()};
  }
  void put(const std::string& name, Shape shape, const Numbers& values) {
    put(name, DType::kI32, std::move(shape), values);
  }
  void put(Shape shape, const std::vector<Scale>& scales) {
    Numbers mantissas;
    Numbers exponents;
    for (const Scale& scale : scales) {
      mantissas.push_back(scale.mantissa);
      exponents.push_back(scale.exponent);
    }
    put("mantissa", shape, mantissas);
    put("exponent", std::move(shape), exponents);
  }
  void write(const std::string& path) const { write_safetensors(path, tensors_, metadata_); }

 private:
  std::string case_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, TensorView> tensors_;
  std::vector<std::vector<std::byte>> held_;
};

Numbers room(std::int64_t rows, std::int64_t width) {
  return Numbers(static_cast<std::size_t>(rows * width));
}

void add_quantise(Vectors& v, std::int64_t rows, std::int64_t width) {
  const Numbers x = v.fixed(rows, width);
  std::vector<std::int8_t> codes(x.size());
  std::vector<Scale> scales;
  for (std::int64_t t = 0; t < rows; ++t) {
    const auto at = static_cast<std::size_t>(t * width);
    const auto size = static_cast<std::size_t>(width);
    scales.push_back(quantise(std::span(x).subspan(at, size), std::span(codes).subspan(at, size)));
  }
  v.begin("quantise", {});
  v.put("x", {rows, width}, x);
  v.put("codes", DType::kI8, {rows, width}, codes);
  v.put({rows}, scales);
}

void add_linear(Vectors& v, std::int64_t rows, std::int64_t depth, std::int64_t outputs,
                int group) {
  const int f_x = v.fraction();
  const int f_y = v.fraction();
  const int f_bias = v.fraction();
  const Numbers x = v.fixed(rows, depth);
  std::vector<std::int8_t> codes = v.codes(outputs * depth, group == 0 ? 127 : 7);
  v.begin("linear", {{"f_x", f_x}, {"f_y", f_y}, {"f_bias", f_bias}, {"group", group}});
  v.put("x", {rows, depth}, x);
  v.put("codes", DType::kI8, {outputs, depth}, codes);
  if (group != 0) {
    std::vector<std::uint8_t> steps;
    for (std::int64_t i = 0; i < outputs * depth / group; ++i) {
      steps.push_back(static_cast<std::uint8_t>(v.between(1, 18)));
    }
    v.put("steps", DType::kU8, {outputs, depth / group}, steps);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      codes[i] = static_cast<std::int8_t>(codes[i] * steps[i / static_cast<std::size_t>(group)]);
    }
  }
  // Around what makes results of the size of their inputs, and far from it.
  const int middle = f_x - f_y - 35;
  const std::vector<Scale> scales = v.scales(outputs, middle - 12, middle + 12);
  v.put({outputs}, scales);
  Numbers bias;
  if (v.between(0, 1) == 0) {
    const Numbers own = v.fixed(1, outputs);
    v.put("bias", {outputs}, own);
    bias.resize(own.size());
    align({own, f_bias}, {bias, f_y});
  }
  Numbers y = room(rows, outputs);
  linear({x, f_x}, {codes, scales, depth}, bias, {y, f_y});
  v.put("y", {rows, outputs}, y);
}

void add_norm(Vectors& v, bool centred, std::int64_t rows, std::int64_t width) {
  const int f_x = v.fraction();
  const int f_y = v.fraction();
  const int f_offset = v.fraction();
  const double epsilon =
      std::array{1e-6, 1e-5, 0.0, 0.1}[static_cast<std::size_t>(v.between(0, 3))];
  const Numbers x = v.fixed(rows, width);
  const std::vector<Scale> scales = v.scales(width, -26 - f_y, 8 - f_y);
  std::vector<Factor> factors;
  std::vector<std::int8_t> signs;
  for (const Scale& scale : scales) {
    factors.push_back({scale, v.between(0, 1) == 0});
    signs.push_back(factors.back().negative ? -1 : 1);
  }
  v.begin("norm", {{"kind", centred ? "layer" : "rms"},
                   {"epsilon", epsilon},
                   {"f_x", f_x},
                   {"f_y", f_y},
                   {"f_offset", f_offset}});
  v.put("x", {rows, width}, x);
  v.put("sign", DType::kI8, {width}, signs);
  v.put({width}, scales);
  Numbers y = room(rows, width);
  if (centred) {
    const Numbers own = v.fixed(1, width);
    Numbers offset(own.size());
    align({own, f_offset}, {offset, f_y});
    v.put("offset", {width}, own);
    layer_norm({x, f_x}, factors, offset, epsilon, {y, f_y});
  } else {
    rms_norm({x, f_x}, factors, epsilon, {y, f_y});
  }
  v.put("y", {rows, width}, y);
}

void add_functions(Vectors& v, Function function, std::int64_t rows, std::int64_t width) {
  const std::string name(name_of(function));
  const int f_a = v.fraction();
  const int f_b = v.fraction();
  const int f_y = v.fraction();
  const Numbers a = v.fixed(rows, width);
  const Numbers b = v.fixed(rows, width);
  Numbers y = room(rows, width);
  map(function, {a, f_a}, {y, f_y});
  v.begin("function", {{"function", name}, {"f_x", f_a}, {"f_y", f_y}});
  v.put("x", {rows * width}, a);
  v.put("y", {rows * width}, y);
  gate(function, {a, f_a}, {b, f_b}, {y, f_y});
  v.begin("gate", {{"function", name}, {"f_a", f_a}, {"f_b", f_b}, {"f_y", f_y}});
  v.put("a", {rows * width}, a);
  v.put("b", {rows * width}, b);
  v.put("y", {rows * width}, y);
}

void add_rope(Vectors& v, std::int64_t rows, std::int64_t heads, std::int64_t head_dim,
              std::int64_t rotary_dim) {
  const int f_x = v.fraction();
  const int f_y = f_x + static_cast<int>(v.between(-3, 3));
  const double theta =
      std::array{10000.0, 100000.0, 2.0}[static_cast<std::size_t>(v.between(0, 2))];
  const Rope op{head_dim, rotary_dim, theta, v.between(0, 4000)};
  const Numbers x = v.fixed(rows, heads * head_dim);
  Numbers y = room(rows, heads * head_dim);
  rope(op, rotary_table(op, rows), {x, f_x}, {y, f_y});
  v.begin("rope", {{"head_dim", head_dim},
                   {"rotary_dim", rotary_dim},
                   {"theta", theta},
                   {"first_position", op.first_position},
                   {"f_x", f_x},
                   {"f_y", f_y}});
  v.put("x", {rows, heads * head_dim}, x);
  v.put("y", {rows, heads * head_dim}, y);
}

void add_attention(Vectors& v, std::int64_t queries, std::int64_t keys, std::int64_t kv_heads,
                   std::int64_t group, std::int64_t head_dim) {
  Attention op;
  op.heads = kv_heads * group;
  op.kv_heads = kv_heads;
  op.head_dim = head_dim;
  op.scale = 1 / std::sqrt(static_cast<double>(head_dim));
  op.visible_prefix = v.between(0, keys);
  if (v.between(0, 1) == 0) op.causal_offset = v.between(-2, keys);
  const Numbers q = v.fixed(queries, op.heads * head_dim);
  const Numbers k = v.fixed(keys, kv_heads * head_dim);
  const Numbers values = v.fixed(keys, kv_heads * head_dim);
  // Logits of all sizes: the numbers have 1 to 26 bits.
  const int f_q = static_cast<int>(v.between(8, 24));
  const int f_k = static_cast<int>(v.between(8, 24));
  const int f_v = v.fraction();
  const int f_y = v.fraction();
  Numbers y = room(queries, op.heads * head_dim);
  attention(op, {q, f_q}, {k, f_k}, {values, f_v}, {y, f_y});
  Numbers visible;
  for (std::int64_t i = 0; i < queries; ++i) {
    visible.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(op.visible(i), 0, keys)));
  }
  v.begin("attention", {{"heads", op.heads},
                        {"kv_heads", kv_heads},
                        {"head_dim", head_dim},
                        {"scale", op.scale},
                        {"f_q", f_q},
                        {"f_k", f_k},
                        {"f_v", f_v},
                        {"f_y", f_y}});
  v.put("q", {queries, op.heads * head_dim}, q);
  v.put("k", {keys, kv_heads * head_dim}, k);
  v.put("v", {keys, kv_heads * head_dim}, values);
  v.put("visible", {queries}, visible);
  v.put("y", {queries, op.heads * head_dim}, y);
}

void add_routing(Vectors& v, std::int64_t rows, std::int64_t width) {
  const int f_x = v.fraction();
  const int f_y = v.fraction();
  const Numbers x = v.fixed(rows, width);
  Numbers experts;
  Numbers weights;
  Numbers y = room(rows, width);
  for (std::int64_t t = 0; t < rows; ++t) {
    const auto at = static_cast<std::size_t>(t * width);
    const auto row = std::span(x).subspan(at, static_cast<std::size_t>(width));
    const Route found = route({row, f_x});
    experts.push_back(found.expert);
    weights.push_back(found.weight);
    weigh(found.weight, {row, f_x},
          {std::span(y).subspan(at, static_cast<std::size_t>(width)), f_y});
  }
  v.begin("routing", {{"f_x", f_x}});
  v.put("x", {rows, width}, x);
  v.put("expert", {rows}, experts);
  v.put("p", {rows}, weights);
  v.begin("route_scale", {{"f_x", f_x}, {"f_y", f_y}});
  v.put("x", {rows, width}, x);
  v.put("p", {rows}, weights);
  v.put("y", {rows, width}, y);
}

void add_elementwise(Vectors& v, std::int64_t rows, std::int64_t width) {
  const int f_a = v.fraction();
  const int f_b = v.fraction();
  const int f_y = v.fraction();
  const Numbers a = v.fixed(rows, width);
  const Numbers b = v.fixed(1, width);
  Numbers y = room(rows, width);

  add({a, f_a}, {b, f_b}, {y, f_y});
  v.begin("add", {{"f_a", f_a}, {"f_b", f_b}, {"f_y", f_y}});
  v.put("a", {rows, width}, a);
  v.put("b", {width}, b);
  v.put("y", {rows, width}, y);

  const double factor = std::array{31.0, -0.1, std::sqrt(960.0), 0.0,
                                   1e-3}[static_cast<std::size_t>(v.between(0, 4))];
  scale(factor, {a, f_a}, {y, f_y});
  v.begin("scale", {{"factor", factor}, {"f_x", f_a}, {"f_y", f_y}});
  v.put("x", {rows, width}, a);
  v.put("y", {rows, width}, y);

  align({a, f_a}, {y, f_y});
  v.begin("align", {{"f_x", f_a}, {"f_y", f_y}});
  v.put("x", {rows, width}, a);
  v.put("y", {rows, width}, y);

  const std::int64_t words = v.between(1, 40);
  const std::vector<std::int8_t> codes = v.codes(words * width);
  const std::vector<Scale> scales = v.scales(words, -30 - f_y, 4 - f_y);
  Numbers ids;
  for (std::int64_t t = 0; t < rows; ++t) {
    ids.push_back(static_cast<std::int32_t>(v.between(0, words - 1)));
  }
  embedding({codes, scales, width}, ids, {y, f_y});
  v.begin("embedding", {{"f_y", f_y}});
  v.put("codes", DType::kI8, {words, width}, codes);
  v.put({words}, scales);
  v.put("ids", {rows}, ids);
  v.put("y", {rows, width}, y);

  std::vector<float> reals;
  std::vector<float> to;
  for (const std::int32_t x : a) {
    reals.push_back(v.real());
    to.push_back(to_real(x, f_a));
  }
  Numbers from(reals.size());
  from_reals(reals, {from, f_y});
  v.begin("border", {{"f_y", f_y}});
  v.put("r", DType::kF32, {rows * width}, reals);
  v.put("y", {rows * width}, from);
  v.begin("border_out", {{"f_x", f_a}});
  v.put("x", {rows * width}, a);
  v.put("r", DType::kF32, {rows * width}, to);
}

/// At least 100,000 results of every operator.
void write_all(const std::string& path) {
  Vectors v;
  for (int n = 0; n < 320; ++n) {
    add_linear(v, v.between(1, 9), v.between(1, 200), v.between(1, 60), 0);
    add_linear(v, v.between(1, 9), 32 * v.between(1, 6), v.between(1, 60), 32);
  }
  for (int n = 0; n < 100; ++n) {
    add_attention(v, v.between(1, 12), v.between(1, 160), v.between(1, 3), v.between(1, 3),
                  v.between(1, 80));
  }
  for (int n = 0; n < 40; ++n) {
    add_quantise(v, 20, v.between(1, 300));
    add_norm(v, true, 16, v.between(1, 300));
    add_norm(v, false, 16, v.between(1, 300));
    for (const Function function :
         {Function::kGeluTanh, Function::kGeluErf, Function::kSilu, Function::kRelu}) {
      add_functions(v, function, 12, 256);
    }
    const std::int64_t head_dim = 2 * v.between(1, 40);
    add_rope(v, 16, v.between(1, 4), head_dim, head_dim);
    add_rope(v, 16, 2, head_dim + 6, head_dim);
    add_routing(v, 1300, v.between(1, 16));
    add_routing(v, 16, v.between(17, 64));
    add_elementwise(v, 24, v.between(1, 256));
  }
  // Longest rows: the most that an accumulator must hold.
  add_linear(v, 2, 131072, 3, 0);
  add_linear(v, 2, 131072, 3, 128);
  add_norm(v, true, 2, 65536);
  add_norm(v, false, 2, 65536);
  add_attention(v, 2, 65536, 1, 1, 4);
  add_attention(v, 3, 5, 1, 2, 4096);
  v.write(path);
}

}  // namespace
}  // namespace heddle::arith

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: arith_vectors FILE\n", stderr);
    return 2;
  }
  try {
    heddle::arith::write_all(argv[1]);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "arith_vectors: %s\n", failure.what());
    return 1;
  }
}
