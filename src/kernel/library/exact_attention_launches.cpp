#include "kernel/library/exact_attention_launches.h"

#include <cstring>
#include <map>

#include "base/error.h"

namespace heddle::kernel {
namespace {

/// Codes with their Scales, in words.
struct Scaled {
  Buffer codes;
  Buffer mantissa;
  Buffer exponent;

  Scaled(std::int64_t words, std::int64_t scales)
      : codes(int_type(8), {words, kAttentionWord}),
        mantissa(mantissa_type(), {scales}),
        exponent(exponent_type(), {scales}) {}
};

/// Copies all bytes of `from`, or `count` elements from `first` on.
void copy(const Buffer& from, Buffer& to, std::int64_t first = 0) {
  const auto size = static_cast<std::int64_t>(from.element().bytes());
  const std::size_t bytes =
      std::min(to.byte_size(), from.byte_size() - static_cast<std::size_t>(first * size));
  std::memcpy(to.data(), from.data() + first * size, bytes);
}

/// One third of what kProject made.
Scaled part_of(const Scaled& all, std::int64_t part) {
  Scaled result(all.codes.shape()[0] / 3, all.mantissa.size() / 3);
  copy(all.codes, result.codes, part * result.codes.size());
  copy(all.mantissa, result.mantissa, part * result.mantissa.size());
  copy(all.exponent, result.exponent, part * result.exponent.size());
  return result;
}

/// The arrays of one launch by name; the others are of one element that nobody reads.
class Launch {
 public:
  Launch(const KernelPtr& kernel, AttentionStep step) : kernel_(kernel), step_(step) {}

  Launch& with(const std::string& name, Buffer& buffer, const std::string& size = "") {
    arrays_[name] = &buffer;
    if (!size.empty()) sizes_[size] = buffer.shape()[0];
    return *this;
  }

  void run(const AttentionLaunch& launch) {
    std::vector<Argument> arguments;
    std::vector<std::unique_ptr<Buffer>> unused;
    for (const Parameter& parameter : kernel_->parameters) {
      const auto* scalar = std::get_if<ScalarParameter>(&parameter);
      if (scalar == nullptr) {
        arguments.emplace_back(static_cast<Buffer*>(nullptr));
      } else if (scalar->name == "step") {
        arguments.emplace_back(Scalar{scalar->type, static_cast<int>(step_), 0});
      } else {
        const auto size = sizes_.find(scalar->name);
        arguments.emplace_back(Scalar{scalar->type, size == sizes_.end() ? 1 : size->second, 0});
      }
    }
    const auto shapes = argument_shapes(*kernel_, arguments);
    std::size_t next = 0;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const auto* array = std::get_if<ArrayParameter>(&kernel_->parameters[i]);
      if (array == nullptr) continue;
      const std::vector<std::int64_t>& shape = shapes[next++];
      const auto given = arrays_.find(array->array.name);
      if (given != arrays_.end()) {
        arguments[i] = given->second;
      } else {
        arguments[i] =
            unused.emplace_back(std::make_unique<Buffer>(array->array.element, shape)).get();
      }
    }
    launch(step_, arguments);
  }

 private:
  KernelPtr kernel_;
  AttentionStep step_;
  std::map<std::string, Buffer*> arrays_;
  std::map<std::string, std::int64_t> sizes_;
};

/// Weights of several projections one below the other, as words; a channel's exponent takes the
/// fractions in.
struct Channels {
  Scaled weight;
  Buffer bias;
};

/// A projection's arguments of attention_exact: codes, mantissa, exponent, bias; and f_x - f_y.
struct ProjectionArguments {
  std::size_t first = 0;
  int fraction_change = 0;
};

Channels channels_of(std::span<const Argument> arguments,
                     const std::vector<ProjectionArguments>& projections) {
  const auto buffer = [&](std::size_t i) { return std::get<Buffer*>(arguments[i]); };
  const auto count = static_cast<std::int64_t>(projections.size());
  const std::int64_t columns = buffer(projections[0].first + 1)->size();
  const std::int64_t elements = buffer(projections[0].first)->size();
  Channels all{Scaled(count * elements / kAttentionWord, count * columns),
               Buffer(fixed_number(), {count * columns})};
  for (std::int64_t p = 0; p < count; ++p) {
    const ProjectionArguments& projection = projections[static_cast<std::size_t>(p)];
    std::memcpy(all.weight.codes.data() + p * elements, buffer(projection.first)->data(),
                static_cast<std::size_t>(elements));
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t to = p * columns + c;
      all.weight.mantissa.set(to, buffer(projection.first + 1)->get(c));
      all.bias.set(to, buffer(projection.first + 3)->get(c));
      const Int128 exponent = buffer(projection.first + 2)->get(c).raw - projection.fraction_change;
      if (exponent < -128 || exponent > 127) {
        throw UserError(fmt::format("the exponent of channel {} is {} with the fractions taken off",
                                    c, static_cast<std::int64_t>(exponent)),
                        "choose fractions that leave it in -128 ... 127");
      }
      all.weight.exponent.set(to, Scalar{exponent_type(), exponent, 0});
    }
  }
  return all;
}

}  // namespace

void attend_by_launches(const AttentionArrayShape& shape, std::span<const Argument> arguments,
                        const AttentionLaunch& launch) {
  const ExactAttentionShape& layer = shape.layer;
  const KernelPtr kernel = attention_array(shape);
  const auto buffer = [&](std::size_t i) -> Buffer& { return *std::get<Buffer*>(arguments[i]); };
  // x and its Scales; four arguments for each of q, k, v, out; y.
  constexpr std::size_t kX = 0;
  constexpr std::size_t kFirst = 3;
  constexpr std::size_t kY = 19;
  const std::int64_t rows = layer.heads * layer.tokens;
  const std::int64_t blocks = layer.tokens / kAttentionWord;

  Channels projections =
      channels_of(arguments, {{kFirst, layer.x_fraction - layer.q_fraction},
                              {kFirst + 4, layer.x_fraction - layer.k_fraction},
                              {kFirst + 8, layer.x_fraction - layer.v_fraction}});
  Buffer x(int_type(8), {layer.tokens * layer.hidden / kAttentionWord, kAttentionWord});
  copy(buffer(kX), x);
  Scaled heads(3 * rows, 3 * rows);
  Launch(kernel, AttentionStep::kProject)
      .with("rows", x, "row_words")
      .with("row_mantissa", buffer(kX + 1), "row_scales")
      .with("row_exponent", buffer(kX + 2))
      .with("moving", projections.weight.codes, "moving_words")
      .with("column_mantissa", projections.weight.mantissa, "columns")
      .with("column_exponent", projections.weight.exponent)
      .with("column_bias", projections.bias)
      .with("codes", heads.codes, "code_words")
      .with("code_mantissa", heads.mantissa, "code_scales")
      .with("code_exponent", heads.exponent)
      .run(launch);

  Scaled q = part_of(heads, 0);
  Scaled k = part_of(heads, 1);
  Scaled v = part_of(heads, 2);
  Scaled weights(rows * blocks, rows);
  Buffer no_bias(fixed_number(), {rows});
  Buffer octaves(uint_type(6), {rows * blocks});
  Launch(kernel, AttentionStep::kScore)
      .with("rows", q.codes, "row_words")
      .with("row_mantissa", q.mantissa, "row_scales")
      .with("row_exponent", q.exponent)
      .with("moving", k.codes, "moving_words")
      .with("column_mantissa", k.mantissa, "columns")
      .with("column_exponent", k.exponent)
      .with("column_bias", no_bias)
      .with("value_mantissa", v.mantissa, "values")
      .with("value_exponent", v.exponent)
      .with("codes", weights.codes, "code_words")
      .with("code_mantissa", weights.mantissa, "code_scales")
      .with("code_exponent", weights.exponent)
      .with("code_octaves", octaves, "code_octave_count")
      .run(launch);

  Buffer context(fixed_number(), {layer.tokens, layer.heads * layer.head_dim});
  Launch(kernel, AttentionStep::kMix)
      .with("rows", v.codes, "row_words")
      .with("moving", weights.codes, "moving_words")
      .with("octaves", octaves, "octave_count")
      .with("column_mantissa", weights.mantissa, "columns")
      .with("column_exponent", weights.exponent)
      .with("column_bias", no_bias)
      .with("mixed", context)
      .run(launch);

  Channels out = channels_of(arguments, {{kFirst + 12, layer.context_fraction - layer.y_fraction}});
  Buffer y(int_type(8), {layer.tokens * layer.hidden * 4 / kAttentionWord, kAttentionWord});
  Launch(kernel, AttentionStep::kOutput)
      .with("context", context)
      .with("moving", out.weight.codes, "moving_words")
      .with("column_mantissa", out.weight.mantissa, "columns")
      .with("column_exponent", out.weight.exponent)
      .with("column_bias", out.bias)
      .with("codes", y, "code_words")
      .run(launch);
  std::memcpy(buffer(kY).data(), y.data(), y.byte_size());
}

}  // namespace heddle::kernel
