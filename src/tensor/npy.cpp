#include "tensor/npy.h"

#include <string>

#include "base/error.h"
#include "base/file.h"

namespace heddle {
namespace {

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t kAlignment = 64;

/// A Python tuple: "(2, 3)", "(5,)", "()".
std::string python_tuple(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += fmt::format("{}{}", i > 0 ? ", " : "", shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

void write_npy(const std::filesystem::path& path, const Shape& shape,
               std::span<const float> values) {
  ensure(static_cast<std::int64_t>(values.size()) == element_count(shape), "{} values for shape {}",
         values.size(), to_string(shape));
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}, }}", python_tuple(shape));
  // Spaces and a line end fill the header up, so that the data starts aligned.
  const std::size_t unpadded = kMagic.size() + 2 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  ensure(header.size() <= 0xffff, "a shape of {} dimensions is too long for .npy version 1.0",
         shape.size());
  const std::string length = {static_cast<char>(header.size() & 0xff),
                              static_cast<char>(header.size() >> 8)};
  AtomicFile file(path);
  file.write(kMagic);
  file.write(length);
  file.write(header);
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace heddle
