// .npy files, byte by byte.
#include "tensor/npy.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle {
namespace {

/// The header line of an .npy file, after checks of all that surrounds it.
std::string header_of(const std::string& file, std::size_t values) {
  EXPECT_EQ(file.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const std::size_t length =
      static_cast<unsigned char>(file[8]) + 256U * static_cast<unsigned char>(file[9]);
  EXPECT_EQ((10 + length) % 64, 0U);
  EXPECT_EQ(file.size(), 10 + length + values * sizeof(float));
  EXPECT_EQ(file[10 + length - 1], '\n');
  const std::string line = file.substr(10, length - 1);
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

TEST(Npy, WritesHeaderAndValues) {
  const Scratch scratch;
  const std::array values = {1.0F, -2.5F, 3.0F, 0.0F, 1e-40F, 6.0F};
  write_npy(scratch / "a.npy", {2, 3}, values);
  const std::string file = read_file(scratch / "a.npy");
  EXPECT_EQ(header_of(file, 6), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  EXPECT_EQ(std::memcmp(file.data() + file.size() - sizeof values, values.data(), sizeof values),
            0);
}

TEST(Npy, WritesShapesAsPythonTuples) {
  const Scratch scratch;
  const auto shape_text = [&](const Shape& shape) {
    const std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
    write_npy(scratch / "a.npy", shape, values);
    const std::string header = header_of(read_file(scratch / "a.npy"), values.size());
    return header.substr(header.find('('), header.find(')') + 1 - header.find('('));
  };
  EXPECT_EQ(shape_text({}), "()");
  EXPECT_EQ(shape_text({5}), "(5,)");
  EXPECT_EQ(shape_text({0, 3}), "(0, 3)");
  // Headers of every length around the padding's step.
  for (std::size_t dimensions = 1; dimensions < 40; ++dimensions) shape_text(Shape(dimensions, 1));
}

TEST(Npy, RefusesAWrongCountAndABadPlace) {
  const Scratch scratch;
  const std::array values = {1.0F};
  EXPECT_THROW(write_npy(scratch / "a.npy", {2}, values), InternalError);
  expect_parts(user_error([&] { write_npy(scratch / "none" / "a.npy", {1}, values); }),
               {"none/a.npy"});
  EXPECT_TRUE(scratch.list().empty());
}

}  // namespace
}  // namespace heddle
