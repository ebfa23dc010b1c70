#include "model/image/normalise.h"

#include <cstddef>

#include "base/error.h"

namespace heddle {
namespace {

/// What each byte becomes, one table per channel.
using ByteTables = std::array<std::array<float, 256>, 3>;

Tensor look_up(const Image& image, const ByteTables& tables) {
  Tensor planes(DType::kF32, {3, image.height, image.width});
  const auto out = planes.floats();
  const std::size_t pixels = out.size() / 3;
  ensure(image.rgb.size() == out.size(), "an image of {}x{} pixels with {} bytes", image.width,
         image.height, image.rgb.size());
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) out[c * pixels + i] = tables[c][image.rgb[3 * i + c]];
  }
  return planes;
}

}  // namespace

Tensor to_unit_floats(const Image& image) {
  ByteTables tables{};
  for (auto& table : tables) {
    for (std::size_t byte = 0; byte < 256; ++byte) table[byte] = static_cast<float>(byte) / 255.0F;
  }
  return look_up(image, tables);
}

void unit_to_signed(Tensor& values) {
  // Doubling is exact, so that contracting the two steps into one could not change a bit.
  for (float& value : values.floats()) value = value * 2.0F - 1.0F;
}

Tensor normalise(const Image& image, const Normalisation& constants) {
  ByteTables tables{};
  for (std::size_t c = 0; c < 3; ++c) {
    ensure(constants.deviation[c] != 0.0F, "a deviation of 0 in channel {}", c);
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto scaled = static_cast<float>(static_cast<double>(byte) * constants.scale);
      tables[c][byte] = (scaled - constants.mean[c]) / constants.deviation[c];
    }
  }
  return look_up(image, tables);
}

}  // namespace heddle
