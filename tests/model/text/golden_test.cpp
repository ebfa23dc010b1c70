// Ids and texts equal to those of the `tokenizers` library (tools/golden/tokenizer_cases.py).
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "base/utf8.h"
#include "text_fixture.h"

namespace heddle {
namespace {

/// Reads records from a golden file: 16-bit little-endian numbers and bytes.
class Reader {
 public:
  explicit Reader(const std::string& name) : data_(read_file(kGolden / name)) {}

  [[nodiscard]] bool at_end() const { return at_ == data_.size(); }

  std::uint16_t number() {
    const std::string two = bytes(2);
    const auto low = static_cast<unsigned char>(two[0]);
    const auto high = static_cast<unsigned char>(two[1]);
    return static_cast<std::uint16_t>(low | high << 8);
  }

  std::string bytes(std::size_t count) {
    ensure(count <= data_.size() - at_, "golden file ends early");
    at_ += count;
    return data_.substr(at_ - count, count);
  }

 private:
  std::string data_;
  std::size_t at_ = 0;
};

std::vector<std::string> read_strings() {
  Reader reader("strings.bin");
  std::vector<std::string> strings;
  while (!reader.at_end()) strings.push_back(reader.bytes(reader.number()));
  return strings;
}

std::vector<std::int32_t> read_ids(Reader& reader) {
  std::vector<std::int32_t> ids(reader.number());
  for (std::int32_t& id : ids) id = reader.number();
  return ids;
}

/// The CRC-32 of zlib and Ethernet.
std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t sum = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    sum ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320U : 0U);
  }
  return ~sum;
}

std::string block_text(char32_t first, char32_t count) {
  std::string text;
  for (char32_t code = first; code < first + count; ++code) {
    if (code >= 0xD800 && code < 0xE000) continue;
    for (const char before : {'x', '1', '!', ' '}) {
      text += before;
      append_utf8(text, code);
    }
  }
  return text;
}

/// Counts mismatches and shows the first few.
class Comparison {
 public:
  void ids(const std::string& text, std::span<const std::int32_t> expected,
           std::span<const std::int32_t> found) {
    ++texts_;
    ids_ += expected.size();
    if (std::ranges::equal(expected, found)) return;
    if (++mismatches_ > 5) return;
    ADD_FAILURE() << "text " << Json(text).dump(-1, ' ', true) << "\nexpected " << to_text(expected)
                  << "\nfound    " << to_text(found);
  }

  void report(const std::string& name) const {
    fmt::print("{}: {} texts, {} ids, {} mismatches\n", name, texts_, ids_, mismatches_);
    EXPECT_EQ(mismatches_, 0);
  }

 private:
  std::size_t texts_ = 0;
  std::size_t ids_ = 0;
  std::size_t mismatches_ = 0;
};

class BothTokenizers : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    tokenizer_ = tokenizer_by_name(GetParam());
    if (tokenizer_ == nullptr) GTEST_SKIP() << "no " << kPhi2Json << ": nothing compared";
  }

  const Tokenizer* tokenizer_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Text, BothTokenizers, testing::Values("phi2", "synthetic"),
                         [](const auto& test) { return test.param; });

TEST_P(BothTokenizers, EncodesTheGoldenStrings) {
  const std::vector<std::string> strings = read_strings();
  ASSERT_GE(strings.size(), 20000);
  Reader reader(GetParam() + ".ids");
  Comparison comparison;
  for (const std::string& text : strings) {
    comparison.ids(text, read_ids(reader), tokenizer_->encode(text));
  }
  EXPECT_TRUE(reader.at_end());
  comparison.report(GetParam());
}

TEST_P(BothTokenizers, DecodesWhatItEncoded) {
  std::size_t compared = 0;
  for (const std::string& text : read_strings()) {
    const std::vector<std::int32_t> ids = tokenizer_->encode(text, {true, Truncation{}});
    ASSERT_EQ(tokenizer_->decode(ids, SpecialTokens::kKeep), text);
    ++compared;
  }
  fmt::print("{}: {} texts decoded to themselves\n", GetParam(), compared);
}

// Every code point, behind a letter, a digit, a sign and a space: all the Unicode tables at work.
// They come from the reference itself, so unassigned code points must agree too.
TEST_P(BothTokenizers, CutsAtEveryCodePoint) {
  constexpr char32_t kBlock = 4096;
  const Json file = read_json(GetParam() == "phi2" ? kPhi2Json : kSyntheticJson);
  const Pretokenizer pretokenizer = Pretokenizer::from_json(file["pre_tokenizer"], GetParam());
  const Json checks = read_json(kGolden / "code_points.json")[GetParam()];
  ASSERT_EQ(checks.size(), 0x110000 / kBlock);
  char32_t first = 0;
  std::size_t count = 0;
  for (const Json& expected : checks) {
    const Pieces pieces = pretokenizer.split(block_text(first, kBlock));
    std::string joined;
    for (std::size_t i = 0; i < pieces.ranges.size(); ++i) joined.append(pieces[i]) += '\0';
    EXPECT_EQ(crc32(joined), expected.get<std::uint32_t>()) << fmt::format("U+{:04X}...", +first);
    count += pieces.ranges.size();
    first += kBlock;
  }
  fmt::print("{}: {} blocks of {} code points, {} pieces\n", GetParam(), checks.size(), +kBlock,
             count);
}

TEST_P(BothTokenizers, DecodesAnyIds) {
  const Json cases = read_json(kGolden / "decode.json")[GetParam()];
  std::size_t with_replacement = 0;
  for (const Json& item : cases) {
    const auto ids = item[0].get<std::vector<std::int32_t>>();
    const auto kept = item[1].get<std::string>();
    EXPECT_EQ(tokenizer_->decode(ids, SpecialTokens::kKeep), kept);
    EXPECT_EQ(tokenizer_->decode(ids, SpecialTokens::kSkip), item[2].get<std::string>());
    with_replacement += kept.find("\uFFFD") != std::string::npos ? 1 : 0;
  }
  fmt::print("{}: {} sequences of ids, {} of them not UTF-8\n", GetParam(), cases.size(),
             with_replacement);
  EXPECT_GT(with_replacement, 100);
}

/// Applies a patch of variants.json: RFC 6902, and "reverse" for a list.
Json patched(const Json& base, const Json& patch) {
  Json result = base;
  for (const Json& operation : patch) {
    if (operation["op"] == "reverse") {
      auto& list = result.at(Json::json_pointer(operation["path"].get<std::string>()));
      std::reverse(list.begin(), list.end());
    } else {
      result = result.patch(Json::array({operation}));
    }
  }
  return result;
}

// Texts of these cases keep to code points that every Unicode version knows: user-given expressions
// run on PCRE2 here (Unicode 14) and on another library with newer tables in the reference.
TEST(Golden, Variants) {
  const Json base = read_json(kSyntheticJson);
  const Json variants = read_json(kGolden / "variants.json");
  ASSERT_GE(variants.size(), 50);
  for (const Json& variant : variants) {
    const auto name = variant["name"].get<std::string>();
    const Tokenizer tokenizer =
        Tokenizer::from_json_text(patched(base, variant["patch"]).dump(), name);
    Comparison comparison;
    for (std::size_t i = 0; i < variant["texts"].size(); ++i) {
      const auto text = variant["texts"][i].get<std::string>();
      const auto expected = variant["ids"][i].get<std::vector<std::int32_t>>();
      comparison.ids(text, expected, tokenizer.encode(text));
    }
    comparison.report(name);
  }
}

TEST(Golden, MergesAsStringsAreTheSame) {
  Json json = read_json(kSyntheticJson);
  for (Json& merge : json["model"]["merges"]) {
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  }
  const Tokenizer tokenizer = Tokenizer::from_json_text(json.dump(), "merges as strings");
  Reader reader("synthetic.ids");
  Comparison comparison;
  for (const std::string& text : read_strings()) {
    comparison.ids(text, read_ids(reader), tokenizer.encode(text));
  }
  comparison.report("merges as strings");
}

TEST_P(BothTokenizers, ReadsVocabAndMerges) {
  const bool phi2 = GetParam() == "phi2";
  const Json json = read_json(phi2 ? kPhi2Json : kSyntheticJson);
  const TemporaryFolder folder;
  write_tokenizer_folder(json, folder.path(), !phi2);
  const Tokenizer tokenizer = Tokenizer::from_vocab_and_merges(folder.path());
  EXPECT_EQ(tokenizer.vocab_size(), tokenizer_->vocab_size());
  // The pair of files cannot ask for digits one by one: compare with a tokenizer.json that does
  // not.
  Json plain = json;
  plain["pre_tokenizer"] = Json::parse(
      R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true})");
  const Tokenizer expected = Tokenizer::from_json_text(plain.dump(), "plain");
  Comparison comparison;
  for (const std::string& text : read_strings()) {
    comparison.ids(text, expected.encode(text), tokenizer.encode(text));
  }
  comparison.report(GetParam() + " from vocab.json and merges.txt");
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto index = static_cast<std::int32_t>(id);
    ASSERT_EQ(tokenizer.bytes_of(index), tokenizer_->bytes_of(index));
    ASSERT_EQ(tokenizer.is_special(index), tokenizer_->is_special(index));
  }
}

}  // namespace
}  // namespace heddle
