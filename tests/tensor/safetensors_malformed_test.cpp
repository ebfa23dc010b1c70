// One malformed safetensors file per test; each message must name what is wrong.
#include <gtest/gtest.h>

#include <cstring>

#include "support/user_error.h"
#include "tensor/safetensors.h"

namespace heddle {
namespace {

struct Case {
  std::string name;                  ///< Of the test.
  std::string file;                  ///< The whole file.
  std::vector<std::string> expects;  ///< What the message must contain.
};

/// A file whose length field says `length`.
std::string announce(std::uint64_t length, std::string_view rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes.append(rest);
}

/// A file with this header and so many bytes of data.
std::string with_header(std::string_view header, std::size_t data = 0) {
  return announce(header.size(), header) + std::string(data, '\0');
}

/// A file of four data bytes with one tensor "t" whose entry is this.
std::string with_tensor(std::string_view entry) {
  return with_header(fmt::format("{{\"t\":{}}}", entry), 4);
}

/// The same with this shape or these offsets in an entry that is otherwise right.
std::string with_shape(std::string_view shape) {
  return with_tensor(fmt::format(R"({{"dtype":"F32","shape":{},"data_offsets":[0,4]}})", shape));
}
std::string with_offsets(std::string_view offsets) {
  return with_tensor(fmt::format(R"({{"dtype":"F32","shape":[1],"data_offsets":{}}})", offsets));
}

/// A file of I8 tensors given as (name, begin, end) over `data` bytes.
std::string with_ranges(const std::vector<std::tuple<std::string, int, int>>& ranges,
                        std::size_t data) {
  std::string header = "{";
  for (const auto& [name, begin, end] : ranges) {
    header += fmt::format(R"({}"{}":{{"dtype":"I8","shape":[{}],"data_offsets":[{},{}]}})",
                          header == "{" ? "" : ",", name, end - begin, begin, end);
  }
  return with_header(header + "}", data);
}

const std::string kGood = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";

std::vector<Case> cases() {
  return {
      {"Empty", "", {"0 bytes are too few"}},
      {"SevenBytes", "1234567", {"7 bytes are too few", "8-byte header length"}},
      {"OverlongHeader", announce(100'000'001, "{}"), {"100000001", "limit of 100000000"}},
      {"HugeHeader", announce(~0ULL, "{}"), {"18446744073709551615", "limit"}},
      {"TruncatedHeader", announce(100, "{}"), {"ends inside its header", "100", "2 present"}},
      {"NoHeader", announce(0, ""), {"does not start with '{'"}},
      {"HeaderIsAList", with_header("[]"), {"does not start with '{'"}},
      {"HeaderStartsWithSpace", with_header(" {}"), {"does not start with '{'"}},
      {"HeaderIsAnotherFile",
       std::string("\x80\x02\x00\x00\x00\x00\x00\x00\x50\x4b", 10),
       {"ends inside its header", "fetch it again"}},
      {"InvalidJson", with_header("{\"t\":}"), {"header", "not valid JSON"}},
      {"TextAfterJson", with_header("{}x"), {"header", "not valid JSON"}},
      {"NotUtf8", with_header("{\"\xff\":1}"), {"header", "UTF-8"}},
      {"DeepJson", with_header("{\"t\":" + std::string(1000, '[')), {"header", "nested deeper"}},
      {"DuplicateTensor",
       with_header(fmt::format("{{\"t\":{},\"t\":{}}}", kGood, kGood), 4),
       {"\"t\"", "twice"}},
      {"DuplicateKey",
       with_tensor(R"({"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]})"),
       {"\"dtype\"", "twice"}},
      {"EntryIsNoObject", with_tensor("[]"), {"\"t\"", "expected an object", "array"}},
      {"MissingDtype",
       with_tensor(R"({"shape":[1],"data_offsets":[0,4]})"),
       {"\"t\"", "\"dtype\" is missing"}},
      {"MissingShape",
       with_tensor(R"({"dtype":"F32","data_offsets":[0,4]})"),
       {"\"t\"", "\"shape\" is missing"}},
      {"MissingOffsets",
       with_tensor(R"({"dtype":"F32","shape":[1]})"),
       {"\"t\"", "\"data_offsets\" is missing"}},
      {"UnknownKey",
       with_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]})"),
       {"\"t\"", "unknown key \"stride\"", "dtype, shape, data_offsets"}},
      {"UnsupportedDtype",
       with_tensor(R"({"dtype":"F64","shape":[],"data_offsets":[0,4]})"),
       {"\"t\"", "unsupported dtype \"F64\"", "BF16"}},
      {"DtypeIsNoString",
       with_tensor(R"({"dtype":4,"shape":[1],"data_offsets":[0,4]})"),
       {"\"t\"", "\"dtype\" should be a string", "4"}},
      {"NegativeShape", with_shape("[-1]"), {"\"t\"", "[-1]", "negative"}},
      {"NegativeShapesThatMultiplyToOne", with_shape("[-1,-1]"), {"\"t\"", "negative"}},
      {"FractionalShape", with_shape("[1.0]"), {"\"t\"", "\"shape\"", "integers", "1.0"}},
      {"ShapeIsNoList", with_shape("1"), {"\"t\"", "\"shape\"", "list of integers"}},
      {"ShapeOver64Bits", with_shape("[18446744073709551616]"), {"\"t\"", "\"shape\"", "integers"}},
      {"ShapeOver63Bits", with_shape("[9223372036854775808]"), {"\"t\"", "\"shape\"", "2^63"}},
      {"OverflowingShape", with_shape("[4294967296,4294967296]"), {"\"t\"", "overflows 64 bits"}},
      {"ShapeWhoseBytesOverflow", with_shape("[4611686018427387905]"), {"overflows 64 bits"}},
      {"OverflowHiddenByZero", with_shape("[0,4294967296,4294967296]"), {"overflows 64 bits"}},
      {"OffsetsAreNoList", with_offsets("\"0,4\""), {"\"t\"", "\"data_offsets\"", "list"}},
      {"OneOffset", with_offsets("[4]"), {"\"t\"", "data_offsets has 1 numbers"}},
      {"ThreeOffsets", with_offsets("[0,4,4]"), {"\"t\"", "data_offsets has 3 numbers"}},
      {"NegativeOffset", with_offsets("[-4,0]"), {"\"t\"", "[-4,0]", "0 <= begin"}},
      {"BackwardOffsets", with_offsets("[4,0]"), {"\"t\"", "[4,0]", "begin <= end"}},
      {"OffsetsPastTheEnd", with_offsets("[0,8]"), {"\"t\"", "[0,8]", "holds 4 bytes"}},
      {"HugeOffsets",
       with_offsets("[9223372036854775803,9223372036854775807]"),
       {"\"t\"", "pass the end of the file"}},
      {"OffsetsAgainstShape",
       with_shape("[2]"),
       {"\"t\"", "span 4 bytes", "F32", "[2]", "needs 8"}},
      {"Overlap",
       with_ranges({{"a", 0, 3}, {"b", 2, 4}}, 4),
       {"\"a\"", "\"b\"", "overlap at byte 2"}},
      {"SameRange", with_ranges({{"a", 0, 4}, {"b", 0, 4}}, 4), {"\"a\"", "\"b\"", "overlap"}},
      {"EmptyTensorInsideAnother",
       with_ranges({{"a", 0, 4}, {"b", 2, 2}}, 4),
       {"\"b\"", "overlap"}},
      {"HoleAtTheStart", with_ranges({{"a", 1, 4}}, 4), {"bytes 0 to 1", "\"a\"", "no tensor"}},
      {"HoleInTheMiddle", with_ranges({{"a", 0, 1}, {"b", 2, 4}}, 4), {"bytes 1 to 2", "\"b\""}},
      {"TrailingBytes", with_ranges({{"a", 0, 4}}, 7), {"3 bytes after the last tensor"}},
      {"DataWithoutTensors", with_header("{}", 5), {"5 bytes after the last tensor"}},
      {"MetadataIsNoObject",
       with_header(R"({"__metadata__":"pt"})"),
       {"__metadata__", "object", "string"}},
      {"MetadataValueIsNoString",
       with_header(R"({"__metadata__":{"format":1}})"),
       {"__metadata__", "\"format\"", "should be a string", "number"}},
  };
}

class Malformed : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(SafeTensors, Malformed, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST_P(Malformed, IsAUserErrorThatNamesIt) {
  const std::string message = user_error([] {
    parse_safetensors_header(std::as_bytes(std::span(GetParam().file)), "broken.safetensors");
  });
  expect_parts(message, {"broken.safetensors: "});
  for (const std::string& part : GetParam().expects) expect_parts(message, {part});
  EXPECT_LT(message.size(), 1000U);
}

TEST(WellFormed, TheHelpersOfThisFileMakeGoodFiles) {
  for (const std::string& file :
       {with_tensor(kGood), with_shape("[1]"), with_offsets("[0,4]"),
        with_ranges({{"a", 0, 3}, {"b", 3, 4}, {"c", 4, 4}}, 4), with_header("{}"),
        with_header("{}\n  "), with_header(R"({"__metadata__":{"format":"pt"}})")}) {
    EXPECT_NO_THROW(parse_safetensors_header(std::as_bytes(std::span(file)), "good"));
  }
}

}  // namespace
}  // namespace heddle
