// What a quantised checkpoint folder says of itself (quantization.json), beside its weights in
// model.safetensors.
//
// Weights are stored by what they are in the arithmetic (docs/arithmetic.md, section 3):
//   matrices, tables  "<name>" I8 codes in the Graph's shape, or U8 [rows,depth/2] with two 4-bit
//   codes
//                     a byte, the lower half first, and "<name>.steps" U8 [rows,depth/group];
//                     "<name>.mantissa" U16 and "<name>.exponent" I8 [rows]
//   factor vectors    "<name>" I8 signs (1 or -1), "<name>.mantissa" and ".exponent" per element
//   Fixed tensors     "<name>" I32; their fraction stands in quantization.json
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace heddle {

struct QuantisationFormat {
  int weight_bits = 8;  ///< of matrices: 8 or 4
  int group = 0;        ///< of 4-bit codes: neighbours that share a step
  /// Of every Fixed value of the Graph, whatever its request's shape, and of every Fixed weight.
  std::map<std::string, int> fractions;
};

/// Whether the folder holds a quantised checkpoint.
bool is_quantised(const std::filesystem::path& folder);

/// Throws UserError if the file is absent, broken, or of another version.
QuantisationFormat read_quantisation(const std::filesystem::path& folder);
void write_quantisation(const std::filesystem::path& folder, const QuantisationFormat& format);

}  // namespace heddle
