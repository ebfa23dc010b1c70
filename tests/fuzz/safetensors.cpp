// Fuzzes the safetensors reader with whole files, and with headers whose length field is right.
#include "tensor/safetensors.h"

#include <cstring>
#include <vector>

#include "fuzz.h"

namespace heddle {
namespace {

/// Parses a file and reads every byte it gives out. `file` is exactly allocated, so that
/// AddressSanitizer sees any step outside.
void parse_and_read(std::span<const std::byte> file) {
  const SafeTensors tensors(file, "input");
  std::size_t bytes = 0;
  for (const std::string& name : tensors.names()) {
    const TensorView& tensor = tensors.get(name);
    (void)to_floats(tensor);
    bytes += tensor.bytes.size();
  }
  ensure(bytes == tensors.total_bytes() && bytes <= file.size(), "{} bytes", bytes);
}

/// A file that consists of this header and its length.
std::vector<std::byte> with_header(std::span<const std::byte> header) {
  const std::uint64_t length = header.size();
  std::vector<std::byte> file(sizeof length + header.size());
  std::memcpy(file.data(), &length, sizeof length);
  std::ranges::copy(header, file.begin() + sizeof length);
  return file;
}

}  // namespace
}  // namespace heddle

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heddle;
  const std::span<const std::byte> input = std::as_bytes(std::span(data, size));
  only_user_errors([&] { parse_and_read(input); });
  if (input.empty()) return 0;
  // The first byte chooses how much data follows the header.
  std::vector<std::byte> file = with_header(input.subspan(1));
  file.resize(file.size() + data[0] % 32);
  file.shrink_to_fit();
  only_user_errors([&] { parse_and_read(file); });
  return 0;
}
