// The tokenizer's own promises: prompts, truncation, templates, streams, what it refuses.
#include "model/text/tokenizer.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/utf8.h"
#include "model/text/stream_decoder.h"
#include "text_fixture.h"

namespace heddle {
namespace {

using Ids = std::vector<std::int32_t>;

Tokenizer synthetic_with(const std::string& key, const std::string& value) {
  Json json = read_json(kSyntheticJson);
  json[key] = Json::parse(value);
  return Tokenizer::from_json_text(json.dump(), "changed");
}

constexpr const char* kTemplate = R"({
  "type": "TemplateProcessing",
  "single": [{"SpecialToken": {"id": "a", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "b", "type_id": 0}}],
  "pair": [],
  "special_tokens": {"a": {"id": "a", "ids": [1], "tokens": ["<|im_start|>"]},
                     "b": {"id": "b", "ids": [2, 0], "tokens": ["<|im_end|>", "<|endoftext|>"]}}})";

// The prompt of a published chat, cut at "<image>", and the ids it is known to have there.
TEST(Tokenizer, KnownPrompt) {
  const Tokenizer* tokenizer = phi2_tokenizer();
  if (tokenizer == nullptr) GTEST_SKIP() << "no " << kPhi2Json << ": nothing compared";
  const std::string before =
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
      "helpful, detailed, and polite answers to the user's questions. USER: ";
  const std::string after = "\nWhat are these? ASSISTANT:";
  const Ids expected_before = {32,  8537, 1022, 257,  11040, 2836, 290,  281,  11666, 4430,  8796,
                               13,  383,  8796, 3607, 7613,  11,   6496, 11,   290,   23507, 7429,
                               284, 262,  2836, 338,  2683,  13,   1294, 1137, 25,    220};
  const Ids expected_after = {198, 2061, 389, 777, 30, 24994, 8808, 8643, 25};
  EXPECT_EQ(tokenizer->encode(before), expected_before);
  EXPECT_EQ(tokenizer->encode(after), expected_after);
  EXPECT_EQ(tokenizer->vocab_size(), 50295);
  EXPECT_EQ(tokenizer->token_to_id("<|endoftext|>"), 50256);
  fmt::print("{} ids of the prompt compared\n", expected_before.size() + expected_after.size());
}

// The first words of the answer that the published model gives to that prompt.
TEST(Tokenizer, KnownAnswer) {
  const Tokenizer* tokenizer = phi2_tokenizer();
  if (tokenizer == nullptr) GTEST_SKIP() << "no " << kPhi2Json << ": nothing compared";
  const Ids ids = {383, 2939, 3033, 257, 7872, 290, 2042, 17536, 16212, 19584, 50256};
  EXPECT_EQ(tokenizer->decode(ids), " The image features a yellow and black taxi cab parked");
  EXPECT_EQ(tokenizer->decode(ids, SpecialTokens::kKeep),
            " The image features a yellow and black taxi cab parked<|endoftext|>");
}

TEST(Tokenizer, SyntheticLayout) {
  const Tokenizer& tokenizer = *synthetic_tokenizer();
  EXPECT_EQ(tokenizer.vocab_size(), 1152);
  EXPECT_EQ(tokenizer.token_to_id("<|endoftext|>"), 0);
  EXPECT_EQ(tokenizer.token_to_id("<|im_start|>"), 1);
  EXPECT_EQ(tokenizer.token_to_id("<|im_end|>"), 2);
  EXPECT_EQ(tokenizer.token_to_id("<global-img>"), 1024);
  EXPECT_EQ(tokenizer.token_to_id("<row_1_col_1>"), 1025);
  EXPECT_EQ(tokenizer.token_to_id("<row_6_col_6>"), 1060);
  EXPECT_EQ(tokenizer.token_to_id("<fake_token_around_image>"), 1061);
  EXPECT_EQ(tokenizer.token_to_id("<image>"), 1062);
  EXPECT_EQ(tokenizer.token_to_id("<|reserved_special_token_0|>"), 1063);
  EXPECT_EQ(tokenizer.token_to_id("<|reserved_special_token_87|>"), 1150);
  EXPECT_EQ(tokenizer.token_to_id("<end_of_utterance>"), 1151);
  EXPECT_EQ(tokenizer.token_to_id("no such token"), std::nullopt);
  EXPECT_TRUE(tokenizer.is_special(1062));
  EXPECT_FALSE(tokenizer.is_special(300));
  EXPECT_FALSE(tokenizer.is_special(-200));
  const Truncation truncation = tokenizer.truncation().value_or(Truncation{});
  EXPECT_EQ(truncation.side, TruncationSide::kLeft);
  EXPECT_EQ(truncation.max_length, 8192);
}

TEST(Tokenizer, TruncationOfTheCall) {
  const Tokenizer& tokenizer = *synthetic_tokenizer();
  const std::string text = "pick up the red cube and place it in the box\n";
  const Ids all = tokenizer.encode(text);
  ASSERT_GT(all.size(), 8);
  const Ids left = tokenizer.encode(text, {true, Truncation{4, TruncationSide::kLeft}});
  const Ids right = tokenizer.encode(text, {true, Truncation{4, TruncationSide::kRight}});
  EXPECT_EQ(left, Ids(all.end() - 4, all.end()));
  EXPECT_EQ(right, Ids(all.begin(), all.begin() + 4));
  const std::string longer(20000, '!');
  EXPECT_EQ(tokenizer.encode(longer).size(), 8192);
  EXPECT_GT(tokenizer.encode(longer + longer, {true, Truncation{}}).size(), 8192);
}

TEST(Tokenizer, Template) {
  const Tokenizer tokenizer = synthetic_with("post_processor", kTemplate);
  const Ids plain = synthetic_tokenizer()->encode("lift the cup");
  Ids expected = {1};
  expected.insert(expected.end(), plain.begin(), plain.end());
  expected.insert(expected.end(), {2, 0});
  EXPECT_EQ(tokenizer.encode("lift the cup"), expected);
  EXPECT_EQ(tokenizer.encode("lift the cup", {.add_special_tokens = false, .truncation = {}}),
            plain);
  const Ids cut = {1, plain.back(), 2, 0};
  EXPECT_EQ(tokenizer.encode("lift the cup", {true, Truncation{4, TruncationSide::kLeft}}), cut);
  const std::string error =
      user_error([&] { (void)tokenizer.encode("lift", {true, Truncation{2}}); });
  ASSERT_NE(error, "");
  EXPECT_NE(error.find("the template alone has 3"), std::string::npos) << error;
}

TEST(Tokenizer, InvalidUtf8IsRefusedWithItsPlace) {
  struct Case {
    std::string text;
    std::string place;
  };
  const std::vector<Case> cases = {
      {"abc\x80", "byte 3 (0x80)"},          {"\xC3", "byte 0 (0xC3)"},
      {"é\xE2\x82 ", "byte 2 (0xE2)"},       {"x\xED\xA0\x80", "byte 1 (0xED)"},
      {"\xF4\x90\x80\x80", "byte 0 (0xF4)"}, {"\xC0\xAF", "byte 0 (0xC0)"}};
  for (const Case& item : cases) {
    const std::string error = user_error([&] { (void)synthetic_tokenizer()->encode(item.text); });
    ASSERT_NE(error, "");
    EXPECT_NE(error.find(item.place), std::string::npos) << error;
  }
}

TEST(Tokenizer, IdsThatNameNoTokenAddNothing) {
  const Ids ids = {-200, 1152, 1 << 30, -1};
  EXPECT_EQ(synthetic_tokenizer()->decode(ids, SpecialTokens::kKeep), "");
  EXPECT_EQ(synthetic_tokenizer()->bytes_of(-200), "");
}

// Property: a text survives the way there and back, at once and as a stream.
TEST(Tokenizer, RoundTrip) {
  std::mt19937 random(11);
  std::size_t characters = 0;
  constexpr int kTexts = 5000;
  for (const Tokenizer* tokenizer : {synthetic_tokenizer(), phi2_tokenizer()}) {
    if (tokenizer == nullptr) continue;
    for (int i = 0; i < kTexts; ++i) {
      const std::string text = random_text(random, 40);
      const Ids ids = tokenizer->encode(text);
      ASSERT_EQ(tokenizer->decode(ids, SpecialTokens::kKeep), text);
      characters += text.size();
    }
  }
  fmt::print("{} texts per tokenizer, {} bytes in all, decoded to themselves\n", kTexts,
             characters);
}

// Property: a stream gives the decoded text, in parts that are valid UTF-8.
TEST(StreamDecoder, EqualsDecode) {
  std::mt19937 random(12);
  const Tokenizer& tokenizer = *synthetic_tokenizer();
  std::uniform_int_distribution<std::int32_t> any_id(-1, 1152);
  std::uniform_int_distribution<std::int32_t> byte_id(3, 258);
  std::size_t parts = 0;
  for (int i = 0; i < 4000; ++i) {
    Ids ids(static_cast<std::size_t>(i % 17));
    for (std::int32_t& id : ids) id = i % 2 == 0 ? any_id(random) : byte_id(random);
    if (i % 3 == 0) ids = tokenizer.encode(random_text(random, 20));
    const SpecialTokens special = i % 4 < 2 ? SpecialTokens::kKeep : SpecialTokens::kSkip;
    StreamDecoder stream(tokenizer, special);
    std::string text;
    for (const std::int32_t id : ids) {
      const std::string part = stream.push(id);
      ASSERT_FALSE(find_invalid_utf8(part)) << to_text(ids);
      text += part;
      ++parts;
    }
    text += stream.finish();
    ASSERT_EQ(text, tokenizer.decode(ids, special)) << to_text(ids);
    ASSERT_EQ(stream.finish(), "");
  }
  fmt::print("4000 streams, {} parts\n", parts);
}

TEST(StreamDecoder, HoldsBackOnlyWhatIsUncertain) {
  const Tokenizer& tokenizer = *synthetic_tokenizer();
  const auto byte_id = [&](const char* symbol) { return *tokenizer.token_to_id(symbol); };
  StreamDecoder stream(tokenizer);
  EXPECT_EQ(stream.push(byte_id("â")), "");   // E2
  EXPECT_EQ(stream.push(byte_id("Ĥ")), "");   // E2 82
  EXPECT_EQ(stream.push(byte_id("¬")), "€");  // E2 82 AC
  EXPECT_EQ(stream.push(byte_id("â")), "");
  EXPECT_EQ(stream.push(byte_id("a")), "\uFFFDa");
  EXPECT_EQ(stream.push(byte_id("ÿ")), "\uFFFD");  // FF starts nothing.
  EXPECT_EQ(stream.push(byte_id("ð")), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

TEST(TokenizerFolder, SpecialTokens) {
  const TemporaryFolder folder;
  const Json json = read_json(kSyntheticJson);
  write_tokenizer_folder(json, folder.path(), false);
  const Tokenizer without_map = Tokenizer::from_vocab_and_merges(folder.path());
  EXPECT_TRUE(without_map.is_special(0));
  EXPECT_FALSE(without_map.is_special(1));
  EXPECT_EQ(without_map.encode("a<|endoftext|>b").size(), 3);
  write_tokenizer_folder(json, folder.path(), true);
  const Tokenizer with_map = Tokenizer::from_vocab_and_merges(folder.path());
  EXPECT_TRUE(with_map.is_special(1));
  EXPECT_TRUE(with_map.is_special(1151));
}

}  // namespace
}  // namespace heddle
