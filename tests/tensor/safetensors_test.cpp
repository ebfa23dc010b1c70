// Safetensors files: agreement with the reference library, round trips, sharded checkpoints.
#include "tensor/safetensors.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstring>

#include "base/json.h"
#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle {
namespace {

using Names = std::vector<std::string>;
using Floats = std::vector<float>;

const std::filesystem::path kData = "tests/tensor/data";

/// A copy of everything a checkpoint holds, written again.
std::string rewritten(const SafeTensors& file, const std::filesystem::path& path) {
  std::map<std::string, TensorView> tensors;
  for (const std::string& name : file.names()) tensors[name] = file.get(name);
  write_safetensors(path, tensors, file.metadata());
  return read_file(path);
}

// The files of data/ were made by the reference library; data/make.py says what is in them.

TEST(SafeTensors, ReadsEveryDtypeOfTheReferenceLibrary) {
  const SafeTensors file(kData / "dtypes.safetensors");
  const std::vector<std::tuple<std::string, DType, Shape, Floats>> expected = {
      {"bf16", DType::kBF16, {2, 3}, {1, 2, 3, 4, 5, 6}},
      {"bool", DType::kBool, {3}, {1, 1, 1}},
      {"f16", DType::kF16, {5}, {10, 11, 12, 13, 14}},
      {"f32", DType::kF32, {2, 2}, {15, 16, 17, 18}},
      {"i32", DType::kI32, {1}, {19}},
      {"i64", DType::kI64, {2}, {20, 21}},
      {"i8", DType::kI8, {3, 1}, {22, 23, 24}},
      {"u16", DType::kU16, {1}, {25}},
      {"u8", DType::kU8, {1}, {26}}};
  ASSERT_EQ(file.names().size(), expected.size());
  std::uint64_t bytes = 0;
  for (const auto& [name, dtype, shape, values] : expected) {
    const TensorView& tensor = file.get(name);
    EXPECT_EQ(tensor.dtype, dtype) << name;
    EXPECT_EQ(tensor.shape, shape) << name;
    EXPECT_EQ(to_floats(tensor), values) << name;
    bytes += tensor.bytes.size();
  }
  EXPECT_EQ(file.total_bytes(), bytes);
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}}));
}

TEST(SafeTensors, WritesTheBytesOfTheReferenceLibrary) {
  const Scratch scratch;
  for (const std::string_view name : {"dtypes.safetensors", "names.safetensors"}) {
    EXPECT_EQ(rewritten(SafeTensors(kData / name), scratch / name), read_file(kData / name))
        << name;
  }
}

TEST(SafeTensors, ReadsOddNamesScalarsAndEmptyTensors) {
  const SafeTensors file(kData / "names.safetensors");
  EXPECT_EQ(file.names(), (Names{"empty", "quote \" backslash \\ tab \t umlaut ü", "scalar"}));
  EXPECT_TRUE(file.get("empty").bytes.empty());
  EXPECT_EQ(file.get("empty").shape, (Shape{0, 3}));
  EXPECT_EQ(to_floats(file.get("scalar")), Floats{2});
  EXPECT_TRUE(file.metadata().empty());
}

TEST(SafeTensors, UnalignedDataIsLegal) {
  const Scratch scratch;
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const std::array values = {1.0F, 2.0F};
  for (std::size_t padding = 0; padding < 8; ++padding) {
    const std::string padded = header + std::string(padding, ' ');
    const std::uint64_t length = padded.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    bytes += padded;
    bytes.append(reinterpret_cast<const char*>(values.data()), sizeof values);
    const SafeTensors file(scratch.put("a.safetensors", bytes));
    EXPECT_EQ(to_floats(file.get("a")), (Floats{1, 2})) << padding;
  }
}

TEST(SafeTensors, MissingTensorsAreAnsweredWithSimilarNames) {
  const SafeTensors file(kData / "dtypes.safetensors");
  EXPECT_EQ(file.find("f33"), nullptr);
  EXPECT_FALSE(file.contains("f33"));
  EXPECT_TRUE(file.contains("f32"));
  expect_parts(user_error([&] { (void)file.get("f33"); }),
               {"dtypes.safetensors", "no tensor \"f33\"", "similar", "\"f32\""});
  expect_parts(user_error([&] { (void)file.get("model.layers.0.weight"); }),
               {"model.layers.0.weight", "none of its 9 tensors"});
  expect_parts(user_error([&] { (void)file.file_of("f33"); }), {"f33"});
  expect_parts(user_error([&] { file.release("f33"); }), {"f33"});
}

TEST(SafeTensors, ReleasedTensorsAreReadAgain) {
  const Scratch scratch;
  const Tensor large = Tensor::from_floats({100'000}, Floats(100'000, 3.0F));
  write_safetensors(scratch / "a.safetensors", {{"large", large.view()}});
  SafeTensors opened(scratch / "a.safetensors");
  const TensorView before = opened.get("large");
  const SafeTensors file(std::move(opened));
  EXPECT_EQ(file.get("large").bytes.data(), before.bytes.data());  // Views survive a move.
  file.release("large");
  EXPECT_EQ(to_floats(before), Floats(100'000, 3.0F));
}

TEST(SafeTensors, ReadsBytesInMemory) {
  const std::string bytes = read_file(kData / "dtypes.safetensors");
  const SafeTensors file(std::as_bytes(std::span(bytes)), "memory");
  EXPECT_EQ(to_floats(file.get("i32")), Floats{19});
  file.release("i32");  // Nothing to give back, and no harm.
  EXPECT_EQ(to_floats(file.get("i32")), Floats{19});
  expect_parts(user_error([&] { (void)file.get("i33"); }), {"memory"});
}

/// Random tensors: names of any characters, all dtypes, up to four dimensions with zeros, and
/// random bytes.
rc::Gen<std::map<std::string, Tensor>> random_tensors() {
  const auto name = rc::gen::nonEmpty(rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::inRange<char>(0x01, 0x7f), rc::gen::element('.', '"', '\\', '\n'))));
  const auto dtype =
      rc::gen::element(DType::kBool, DType::kU8, DType::kI8, DType::kU16, DType::kF16, DType::kBF16,
                       DType::kI32, DType::kF32, DType::kI64);
  const auto shape = rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 5), [](std::size_t rank) {
    return rc::gen::container<Shape>(rank, rc::gen::inRange<std::int64_t>(0, 6));
  });
  const auto tensor = rc::gen::mapcat(rc::gen::pair(dtype, shape), [](const auto& kind) {
    const Tensor zeros(kind.first, kind.second);
    return rc::gen::map(rc::gen::container<std::vector<std::uint8_t>>(
                            zeros.bytes.size(), rc::gen::arbitrary<std::uint8_t>()),
                        [zeros](const std::vector<std::uint8_t>& bytes) {
                          Tensor filled = zeros;
                          std::ranges::copy(std::as_bytes(std::span(bytes)), filled.bytes.begin());
                          return filled;
                        });
  });
  return rc::gen::container<std::map<std::string, Tensor>>(name, tensor);
}

RC_GTEST_PROP(SafeTensorsProperty, WhatIsWrittenIsRead, ()) {
  const auto tensors = *random_tensors();
  const auto metadata = *rc::gen::container<std::map<std::string, std::string>>(
      rc::gen::string<std::string>().as("key"), rc::gen::just(std::string("value")));
  std::map<std::string, std::string> ascii;
  for (const auto& [key, value] : metadata) {
    std::string clean = key;
    for (char& byte : clean) byte = static_cast<char>(byte & 0x7f);
    ascii[clean] = value;
  }
  const Scratch scratch;
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) views[name] = tensor.view();
  write_safetensors(scratch / "a.safetensors", views, ascii);

  const SafeTensors file(scratch / "a.safetensors");
  RC_ASSERT(file.names().size() == tensors.size());
  RC_ASSERT(file.metadata() == ascii);
  for (const auto& [name, tensor] : tensors) {
    const TensorView& read = file.get(name);
    RC_ASSERT(read.dtype == tensor.dtype);
    RC_ASSERT(read.shape == tensor.shape);
    RC_ASSERT(std::ranges::equal(read.bytes, tensor.bytes));
  }
  RC_ASSERT(rewritten(file, scratch / "b.safetensors") == read_file(scratch / "a.safetensors"));
}

RC_GTEST_PROP(SafeTensorsProperty, ADamagedByteIsAUserErrorOrAnotherValidFile, ()) {
  std::string bytes = read_file(kData / "dtypes.safetensors");
  const auto place = *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto end = *rc::gen::inRange<std::size_t>(0, bytes.size() + 1);
  bytes[place] = *rc::gen::arbitrary<char>();
  bytes.resize(end);
  try {
    parse_safetensors_header(std::as_bytes(std::span(bytes)), "file");
  } catch (const UserError& error) {
    RC_ASSERT(std::string_view(error.what()).starts_with("file: "));
  }
}

TEST(SafeTensorsWriter, StreamsInTheOrderOfTheFormat) {
  const Scratch scratch;
  SafeTensorsWriter writer(
      scratch / "a.safetensors",
      {{"b", DType::kF16, {1}}, {"z", DType::kF32, {1}}, {"a", DType::kF32, {}}});
  Names order;
  for (const TensorSpec& tensor : writer.order()) {
    order.push_back(tensor.name);
    const std::vector<std::byte> bytes(tensor.bytes(), std::byte{1});
    writer.write(tensor.name, bytes);
  }
  EXPECT_EQ(order, (Names{"a", "z", "b"}));
  EXPECT_FALSE(std::filesystem::exists(scratch / "a.safetensors"));
  writer.commit();
  EXPECT_EQ(SafeTensors(scratch / "a.safetensors").total_bytes(), 10U);
}

TEST(SafeTensorsWriter, CatchesOurMistakesAndLeavesNothingBehind) {
  const Scratch scratch;
  const std::filesystem::path path = scratch / "a.safetensors";
  const std::array<std::byte, 4> four{};
  {
    SafeTensorsWriter writer(path, {{"a", DType::kF32, {1}}, {"b", DType::kF32, {1}}});
    EXPECT_THROW(writer.commit(), InternalError);
    EXPECT_THROW(writer.write("b", four), InternalError);
  }
  {
    SafeTensorsWriter writer(path, {{"a", DType::kF32, {1}}});
    EXPECT_THROW(writer.write("a", std::span(four).first(3)), InternalError);
  }
  {
    SafeTensorsWriter writer(path, {{"a", DType::kF32, {1}}});
    writer.write("a", four);
    EXPECT_THROW(writer.write("a", four), InternalError);
  }
  const auto write = [&](std::vector<TensorSpec> specs) { SafeTensorsWriter writer(path, specs); };
  EXPECT_THROW(write({{"a", DType::kF32, {1}}, {"a", DType::kF16, {1}}}), InternalError);
  EXPECT_THROW(write({{"__metadata__", DType::kF32, {1}}}), InternalError);
  EXPECT_THROW(write({{"\xff", DType::kF32, {1}}}), InternalError);
  EXPECT_TRUE(scratch.list().empty());
}

TEST(SafeTensorsWriter, ABadPlaceIsAUserError) {
  const Scratch scratch;
  expect_parts(user_error([&] { write_safetensors(scratch / "none" / "a.safetensors", {}); }),
               {"none/a.safetensors"});
}

class Sharded : public testing::Test {
 protected:
  /// A checkpoint of two shards, a and b in the first and c in the second, with this index.
  void put_checkpoint(const Json& weight_map) const {
    for (const std::string_view shard : {kFirst, kSecond}) {
      scratch_.put(shard, read_file(kData / "sharded" / shard));
    }
    scratch_.put(kIndex, Json{{"weight_map", weight_map}}.dump());
  }
  [[nodiscard]] std::string error() const {
    return user_error([&] { const SafeTensors file(scratch_.path()); });
  }

  static constexpr std::string_view kFirst = "model-00001-of-00002.safetensors";
  static constexpr std::string_view kSecond = "model-00002-of-00002.safetensors";
  static constexpr std::string_view kIndex = "model.safetensors.index.json";
  Scratch scratch_;
};

TEST_F(Sharded, OpensByFolderAndByIndex) {
  for (const auto& path : {kData / "sharded", kData / "sharded" / kIndex}) {
    const SafeTensors file(path);
    EXPECT_EQ(file.names(), (Names{"a", "b", "c"}));
    EXPECT_EQ(to_floats(file.get("a")), (Floats{1, 2}));
    EXPECT_EQ(to_floats(file.get("b")), (Floats{3, 4, 5}));
    EXPECT_EQ(to_floats(file.get("c")), Floats{6});
    EXPECT_EQ(file.file_of("b").filename(), kFirst);
    EXPECT_EQ(file.file_of("c").filename(), kSecond);
    EXPECT_EQ(file.total_bytes(), 18U);
    EXPECT_EQ(file.metadata().at("format"), "pt");
    file.release("c");
    EXPECT_EQ(to_floats(file.get("c")), Floats{6});
    expect_parts(user_error([&] { (void)file.get("d"); }), {"model.safetensors.index.json"});
  }
}

TEST_F(Sharded, AMissingShardIsNamed) {
  put_checkpoint({{"a", kFirst}, {"b", kFirst}, {"c", kSecond}});
  std::filesystem::remove(scratch_ / kSecond);
  expect_parts(error(), {kIndex, kSecond, "does not exist"});
}

TEST_F(Sharded, ATensorAbsentFromItsShardIsNamed) {
  put_checkpoint({{"a", kFirst}, {"b", kFirst}, {"c", kSecond}, {"d", kSecond}});
  expect_parts(error(), {kIndex, "\"d\"", kSecond});
}

TEST_F(Sharded, ATensorInAnotherShardThanSaidIsNamed) {
  put_checkpoint({{"a", kFirst}, {"b", kSecond}, {"c", kSecond}});
  expect_parts(error(), {"\"b\"", kSecond});
}

TEST_F(Sharded, ATensorInTwoShardsIsNamed) {
  put_checkpoint({{"a", kFirst}, {"b", kFirst}, {"c", kSecond}});
  scratch_.put(kSecond, read_file(kData / "sharded" / kFirst));
  expect_parts(error(), {"\"a\"", kFirst, kSecond});
}

TEST_F(Sharded, ShardNamesCannotLeaveTheFolder) {
  for (const std::string_view name :
       {"../model.safetensors", "/etc/passwd", "sub/model.safetensors", "..", ".", ""}) {
    put_checkpoint({{"a", name}});
    expect_parts(error(), {kIndex, "\"a\"", "not a plain file name"});
  }
  put_checkpoint({{"a", std::string("x\0y", 3)}});
  expect_parts(error(), {"not a plain file name"});
}

TEST_F(Sharded, ABrokenIndexIsRefused) {
  put_checkpoint({{"a", 1}});
  expect_parts(error(), {kIndex, "\"a\"", "number"});
  put_checkpoint(Json::array());
  expect_parts(error(), {kIndex, "weight_map", "expected an object"});
  scratch_.put(kIndex, "{}");
  expect_parts(error(), {kIndex, "weight_map", "missing"});
  scratch_.put(kIndex, "{\"weight_map\":");
  expect_parts(error(), {kIndex, "not valid JSON"});
}

TEST_F(Sharded, ABrokenShardIsNamed) {
  put_checkpoint({{"a", kFirst}, {"b", kFirst}, {"c", kSecond}});
  scratch_.put(kSecond, read_file(scratch_ / kSecond).substr(0, 40));
  expect_parts(error(), {kSecond, "ends inside its header"});
}

TEST(SafeTensorsFolder, ChoosesTheModelFileAmongOthers) {
  const Scratch scratch;
  const Tensor tensor(DType::kF32, {1});
  write_safetensors(scratch / "other.safetensors", {{"other", tensor.view()}});
  EXPECT_EQ(SafeTensors(scratch.path()).names(), Names{"other"});
  write_safetensors(scratch / "third.safetensors", {{"third", tensor.view()}});
  expect_parts(user_error([&] { const SafeTensors file(scratch.path()); }),
               {"2 files", "model.safetensors", "other.safetensors"});
  write_safetensors(scratch / "model.safetensors", {{"model", tensor.view()}});
  EXPECT_EQ(SafeTensors(scratch.path()).names(), Names{"model"});
}

TEST(SafeTensorsFolder, AFolderWithoutAModelSaysWhatBelongsThere) {
  const Scratch scratch;
  expect_parts(user_error([&] { const SafeTensors file(scratch.path()); }),
               {scratch.path().string(), "no safetensors file", "model.safetensors"});
  expect_parts(user_error([&] { const SafeTensors file(scratch / "none.safetensors"); }),
               {"none.safetensors", "No such file"});
}

}  // namespace
}  // namespace heddle
