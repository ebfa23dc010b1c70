// Broken and unsupported tokenizer files: each gives one UserError that says what and where.
#include <gtest/gtest.h>

#include "base/file.h"
#include "text_fixture.h"

namespace heddle {
namespace {

/// A small sound tokenizer that the cases below break in one place each.
Json small_json() {
  return Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [
      {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
       "normalized": false, "special": true},
      {"id": 5, "content": "<x>", "single_word": false, "lstrip": false, "rstrip": false,
       "normalized": false, "special": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                      "use_regex": true},
    "post_processor": null,
    "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                "use_regex": true},
    "model": {"type": "BPE", "dropout": null, "unk_token": null,
              "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
              "byte_fallback": false, "ignore_merges": false,
              "vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3, "aba": 4},
              "merges": [["a", "b"], "ab a"]}})");
}

struct BrokenCase {
  const char* patch;    ///< JSON patch (RFC 6902) of one operation, without the brackets.
  const char* message;  ///< Part of the problem or of the remedy.
};

constexpr BrokenCase kCases[] = {
    {R"({"op":"replace","path":"","value":[]})", "expected an object"},
    {R"({"op":"replace","path":"","value":{}})", "\"decoder\": type \"null\" is not supported"},
    {R"({"op":"replace","path":"/version","value":"2.0"})", "supported is version 1.0"},
    {R"({"op":"replace","path":"/version","value":1})", "should be a string"},
    // Model.
    {R"({"op":"remove","path":"/model"})", "key \"model\" is missing"},
    {R"({"op":"replace","path":"/model","value":7})", "expected an object"},
    {R"({"op":"remove","path":"/model/type"})", "key \"type\" is missing"},
    {R"({"op":"replace","path":"/model/type","value":"Unigram"})",
     "type \"Unigram\" is not supported | supported is BPE"},
    {R"({"op":"replace","path":"/model/byte_fallback","value":true})", "\"byte_fallback\": true"},
    {R"({"op":"replace","path":"/model/dropout","value":0.5})", "\"dropout\": 0.5"},
    {R"({"op":"replace","path":"/model/end_of_word_suffix","value":"</w>"})", "</w>"},
    {R"({"op":"replace","path":"/model/continuing_subword_prefix","value":"##"})", "##"},
    {R"({"op":"replace","path":"/model/fuse_unk","value":"yes"})", "true or false"},
    {R"({"op":"replace","path":"/model/unk_token","value":"<unk>"})",
     "the unknown token \"<unk>\" is not in the vocabulary"},
    {R"({"op":"replace","path":"/model/unk_token","value":3})", "should be a string"},
    // Vocabulary.
    {R"({"op":"remove","path":"/model/vocab"})", "\"vocab\": expected an object"},
    {R"({"op":"replace","path":"/model/vocab","value":{}})", "a vocabulary of 0 tokens"},
    {R"({"op":"replace","path":"/model/vocab","value":["a"]})", "expected an object"},
    {R"({"op":"replace","path":"/model/vocab/a","value":2})",
     "tokens \"a\" and \"b\" share the id 2"},
    {R"({"op":"replace","path":"/model/vocab/a","value":-1})", "token \"a\" has the id -1"},
    {R"({"op":"replace","path":"/model/vocab/a","value":2000000000})", "numbered 0 to 4"},
    {R"({"op":"replace","path":"/model/vocab/a","value":18446744073709551615})", "numbered 0 to 4"},
    {R"({"op":"replace","path":"/model/vocab/a","value":1.5})", "should be an integer"},
    {R"({"op":"replace","path":"/model/vocab/a","value":null})", "should be an integer"},
    // Merges.
    {R"({"op":"remove","path":"/model/merges"})", "\"merges\" should be a list"},
    {R"({"op":"replace","path":"/model/merges","value":"a b"})", "\"merges\" should be a list"},
    {R"({"op":"add","path":"/model/merges/-","value":["a","z"]})", "merge 2 needs the token \"z\""},
    {R"({"op":"add","path":"/model/merges/-","value":["b","b"]})", "needs the token \"bb\""},
    {R"({"op":"add","path":"/model/merges/-","value":"ab"})",
     "\"merges\"[2]: \"ab\" is not a merge"},
    {R"({"op":"add","path":"/model/merges/-","value":"a b a"})", "is not a merge"},
    {R"({"op":"add","path":"/model/merges/-","value":["a"]})", "is not a merge"},
    {R"({"op":"add","path":"/model/merges/-","value":["a","b","a"]})", "is not a merge"},
    {R"({"op":"add","path":"/model/merges/-","value":["a",1]})", "is not a merge"},
    {R"({"op":"add","path":"/model/merges/-","value":null})", "is not a merge"},
    // Added tokens.
    {R"({"op":"replace","path":"/added_tokens","value":{}})", "\"added_tokens\" should be a list"},
    {R"({"op":"replace","path":"/added_tokens/1","value":"<x>"})", "\"added_tokens\"[1]"},
    {R"({"op":"remove","path":"/added_tokens/1/id"})", "key \"id\" is missing"},
    {R"({"op":"remove","path":"/added_tokens/1/content"})", "key \"content\" is missing"},
    {R"({"op":"replace","path":"/added_tokens/1/content","value":""})", "a content of 0 bytes"},
    {R"({"op":"replace","path":"/added_tokens/1/content","value":"<s>"})", "\"<s>\" appears twice"},
    {R"({"op":"replace","path":"/added_tokens/1/id","value":6})",
     "\"<x>\" has the id 6, but its place is 5"},
    {R"({"op":"replace","path":"/added_tokens/1/id","value":-1})", "the id -1"},
    {R"({"op":"replace","path":"/added_tokens/1/id","value":4294967301})", "the id 4294967301"},
    {R"({"op":"replace","path":"/added_tokens/0/id","value":1})",
     "\"<s>\" has the id 1, but its place is 0"},
    {R"({"op":"replace","path":"/added_tokens/0/special","value":1})", "true or false"},
    // Normalizer and decoder.
    {R"({"op":"replace","path":"/normalizer","value":{"type":"NFC"}})",
     "\"normalizer\": type \"NFC\" is not supported"},
    {R"({"op":"replace","path":"/normalizer","value":"NFC"})", "expected an object"},
    {R"({"op":"replace","path":"/decoder","value":{"type":"WordPiece"}})",
     "supported is ByteLevel"},
    {R"({"op":"replace","path":"/decoder","value":null})", "supported is ByteLevel"},
    // Pre-tokenizer.
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Whitespace"}})",
     "type \"Whitespace\" is not supported | supported are ByteLevel, Digits, Split"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{}})", "key \"type\" is missing"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Digits"}})",
     "key \"individual_digits\" is missing"},
    {R"({"op":"remove","path":"/pre_tokenizer/add_prefix_space"})",
     "key \"add_prefix_space\" is missing"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Sequence"}})",
     "\"pretokenizers\" should be a list"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Sequence","pretokenizers":[
        {"type":"ByteLevel","add_prefix_space":false},
        {"type":"ByteLevel","add_prefix_space":false}]}})",
     "ByteLevel appears twice"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Sequence","pretokenizers":[
        {"type":"Digits","individual_digits":true},{"type":"Punctuation"}]}})",
     "\"pre_tokenizer\"[1]: type \"Punctuation\" is not supported"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Split","behavior":"Isolated",
        "invert":false}})",
     "key \"pattern\" is missing"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Split","behavior":"Isolated",
        "invert":false,"pattern":{}}})",
     "neither \"String\" nor \"Regex\" is given"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Split","behavior":"Isolated",
        "invert":false,"pattern":{"Regex":"a(b"}}})",
     "does not compile: missing closing parenthesis, at byte 3 of a(b"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Split","behavior":"Isolated",
        "invert":false,"pattern":{"Regex":"((a{1,60000}){1,60000}){1,60000}"}}})",
     "does not compile"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Split","behavior":"Isolated",
        "invert":false,"pattern":{"String":""}}})",
     "the text to split at is empty"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Split","behavior":"Keep",
        "invert":false,"pattern":{"String":"a"}}})",
     "\"behavior\" is \"Keep\" | use one of Removed, Isolated"},
    {R"({"op":"replace","path":"/pre_tokenizer","value":{"type":"Split","behavior":"Isolated",
        "pattern":{"String":"a"}}})",
     "key \"invert\" is missing"},
    // Post-processor.
    {R"({"op":"replace","path":"/post_processor","value":{"type":"BertProcessing"}})",
     "supported are ByteLevel, TemplateProcessing"},
    {R"({"op":"replace","path":"/post_processor","value":{"type":"Sequence","processors":3}})",
     "\"processors\" should be a list"},
    {R"({"op":"replace","path":"/post_processor","value":{"type":"TemplateProcessing"}})",
     "\"single\" should be a list"},
    {R"({"op":"replace","path":"/post_processor","value":{"type":"TemplateProcessing","single":[]}})",
     "the template has no sequence A"},
    {R"({"op":"replace","path":"/post_processor","value":{"type":"TemplateProcessing","single":[
        {"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
        "special_tokens":{}}})",
     "key \"<s>\" is missing"},
    {R"({"op":"replace","path":"/post_processor","value":{"type":"TemplateProcessing","single":[
        {"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
        "special_tokens":{"<s>":{"id":"<s>","ids":[6],"tokens":["<s>"]}}}})",
     "the id 6 of a special token | ids run from 0 to 5"},
    {R"({"op":"replace","path":"/post_processor","value":{"type":"TemplateProcessing","single":[
        {"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}]}})",
     "more than the one sequence A"},
    // Truncation.
    {R"({"op":"replace","path":"/truncation","value":5})", "expected an object"},
    {R"({"op":"replace","path":"/truncation","value":{"direction":"Left"}})",
     "key \"max_length\" is missing"},
    {R"({"op":"replace","path":"/truncation","value":{"max_length":-1}})", "\"max_length\" is -1"},
    {R"({"op":"replace","path":"/truncation","value":{"max_length":9,"direction":"Up"}})",
     "use Left or Right"},
    {R"({"op":"replace","path":"/truncation","value":{"max_length":9,"strategy":"OnlySecond"}})",
     "use LongestFirst or OnlyFirst"},
};

TEST(BrokenTokenizer, TheUnbrokenOneWorks) {
  const Tokenizer tokenizer = Tokenizer::from_json_text(small_json().dump(), "small");
  EXPECT_EQ(tokenizer.encode("abab<x>b<s>"), (std::vector<std::int32_t>{3, 3, 5, 2, 0}));
  EXPECT_EQ(tokenizer.vocab_size(), 6);
}

TEST(BrokenTokenizer, EachMistakeIsNamed) {
  const Json json = small_json();
  for (const BrokenCase& item : kCases) {
    const Json patch = Json::array({Json::parse(item.patch)});
    const std::string text = json.patch(patch).dump();
    const std::string error = user_error([&] { Tokenizer::from_json_text(text, "t.json"); });
    ASSERT_NE(error, "") << "no error for " << item.patch;
    EXPECT_NE(error.find(item.message), std::string::npos) << item.patch << "\n" << error;
    EXPECT_EQ(error.rfind("t.json", 0), 0) << error;
  }
  fmt::print("{} broken files, each refused with the right words\n", std::size(kCases));
}

// Whatever a single byte of a file becomes, reading it works or gives a UserError.
TEST(BrokenTokenizer, AnyByteChanged) {
  const std::string sound = small_json().dump();
  std::mt19937 random(3);
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (int i = 0; i < 4; ++i, ++tried) {
      std::string broken = sound;
      if (i == 0) {
        broken.resize(at);
      } else {
        broken[at] = static_cast<char>(i == 1 ? random() : "0\"{}[],:-9"[random() % 10]);
      }
      const std::string error = user_error([&] {
        const Tokenizer tokenizer = Tokenizer::from_json_text(broken, "broken");
        (void)tokenizer.decode(tokenizer.encode("abab <x>b\n<s>é1"));
      });
      refused += error.empty() ? 0 : 1;
    }
  }
  fmt::print("{} broken files, {} refused, none crashed\n", tried, refused);
  EXPECT_GT(refused, tried / 2);
}

TEST(BrokenFolder, EachMistakeIsNamed) {
  struct FolderCase {
    const char* file;
    const char* content;
    const char* message;
  };
  const std::vector<FolderCase> cases = {
      {"merges.txt", "#version: 0.2\na b\nabc\n", "merges.txt:3: \"abc\" is not a merge"},
      {"merges.txt", "a  b\n", "merges.txt:1: \"a  b\" is not a merge"},
      {"merges.txt", "a z\n", "merge 0 needs the token \"z\""},
      {"merges.txt", "a \xFF\n", "not valid UTF-8 at byte 2"},
      {"vocab.json", "[]", "expected an object"},
      {"vocab.json", "{\"a\": 0, \"b\": 0}", "share the id 0"},
      {"added_tokens.json", "{\"<x>\": 99}", "\"<x>\" has the id 99, but its place is 5"},
      {"added_tokens.json", "{\"<x>\": \"5\"}", "should be an integer"},
      {"added_tokens.json", "{\"<x>\": -5}", "has the id -5"},
      {"special_tokens_map.json", "{\"eos_token\": \"<y>\"}", "\"<y>\" is in neither vocab.json"},
      {"special_tokens_map.json", "{\"eos_token\": 5}", "expected an object"},
  };
  for (const FolderCase& item : cases) {
    const TemporaryFolder folder;
    write_file(folder.path() / "vocab.json", small_json()["model"]["vocab"].dump());
    write_file(folder.path() / "merges.txt", "a b\r\nab a\n\n");
    EXPECT_EQ(Tokenizer::from_vocab_and_merges(folder.path()).encode("abab").size(), 2);
    write_file(folder.path() / item.file, item.content);
    const std::string error = user_error([&] { Tokenizer::from_vocab_and_merges(folder.path()); });
    ASSERT_NE(error, "") << item.file << ": " << item.content;
    EXPECT_NE(error.find(item.message), std::string::npos) << error;
  }
  const TemporaryFolder empty;
  EXPECT_NE(user_error([&] { Tokenizer::from_vocab_and_merges(empty.path()); }), "");
  EXPECT_NE(user_error([&] { Tokenizer::from_json(empty.path() / "tokenizer.json"); }), "");
  fmt::print("{} broken folders\n", cases.size());
}

}  // namespace
}  // namespace heddle
