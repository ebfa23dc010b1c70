// JSON that users or downloads have broken.
#include "base/json.h"

#include <gtest/gtest.h>

#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle {
namespace {

std::string parse_error(std::string_view text) {
  return user_error([&] { parse_json(text, "config.json"); });
}

TEST(Json, ParsesOrdinaryValues) {
  const Json json = parse_json(R"({"a":[1,2.5,"x"],"b":{"a":null}})", "config.json");
  EXPECT_EQ(json["a"][1], 2.5);
  EXPECT_TRUE(json["b"]["a"].is_null());
}

TEST(Json, SyntaxErrorsNameTheFile) {
  for (const std::string_view text :
       {"", "{", "{\"a\":}", "[1,]", "{} x", "{'a':1}", "nul", "NaN"}) {
    expect_parts(parse_error(text), {"config.json", "not valid JSON"});
  }
}

TEST(Json, RefusesTextThatIsNotUtf8) {
  expect_parts(parse_error("{\"a\":\"\xff\"}"), {"config.json", "UTF-8"});
  expect_parts(parse_error("{\"\xc3(\":1}"), {"config.json", "UTF-8"});
}

TEST(Json, RefusesDuplicateKeysOfOneObjectOnly) {
  expect_parts(parse_error(R"({"a":1,"b":2,"a":3})"), {"config.json", "\"a\"", "twice"});
  expect_parts(parse_error(R"([{"x":{"k":1,"k":1}}])"), {"\"k\"", "twice"});
  EXPECT_NO_THROW(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", "config.json"));
}

TEST(Json, LimitsNesting) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(100), "config.json"));
  expect_parts(parse_error(nested(102)), {"config.json", "nested deeper than 100"});
  expect_parts(parse_error(std::string(1'000'000, '[')), {"nested deeper"});
}

TEST(Json, MessagesStayShort) {
  const std::string huge(100'000, 'k');
  EXPECT_LT(parse_error("{\"" + huge + "\":1,\"" + huge + "\":2}").size(), 1000U);
  EXPECT_LT(parse_error("{\"" + huge).size(), 1000U);
  const Json json = {{"a", huge}};
  const JsonObject object(json, "config.json");
  EXPECT_LT(user_error([&] { (void)object.integer("a"); }).size(), 1000U);
}

TEST(Json, ReadJsonNamesThePath) {
  const Scratch scratch;
  EXPECT_EQ(read_json(scratch.put("good.json", "[1]"))[0], 1);
  expect_parts(user_error([&] { read_json(scratch.put("bad.json", "[")); }), {"bad.json"});
  expect_parts(user_error([&] { read_json(scratch / "good.json", 2); }),
               {"good.json", "at most 2"});
}

class JsonObjectTest : public testing::Test {
 protected:
  const Json json_ = parse_json(
      R"({"i":-3,"n":1.5,"b":true,"s":"x","l":[1,-2],"o":{"deep":"y"},"null":null,
          "huge":9223372036854775808,"huge_list":[1,18446744073709551615],"mixed":[1,"2"]})",
      "config.json");
  const JsonObject object_{json_, "config.json"};
};

TEST_F(JsonObjectTest, ReadsEveryType) {
  EXPECT_EQ(object_.integer("i"), -3);
  EXPECT_EQ(object_.number("n"), 1.5);
  EXPECT_EQ(object_.number("i"), -3.0);
  EXPECT_TRUE(object_.boolean("b", false));
  EXPECT_EQ(object_.string("s"), "x");
  EXPECT_EQ(object_.integers("l"), (std::vector<std::int64_t>{1, -2}));
  EXPECT_EQ(object_.object("o").string("deep"), "y");
}

TEST_F(JsonObjectTest, FallsBackOnlyWhenAbsentOrNull) {
  EXPECT_EQ(object_.integer("none", 7), 7);
  EXPECT_EQ(object_.integer("null", 7), 7);
  EXPECT_EQ(object_.number("none", 0.5), 0.5);
  EXPECT_TRUE(object_.boolean("none", true));
  EXPECT_EQ(object_.string("none", "z"), "z");
  EXPECT_FALSE(object_.has("null"));
  EXPECT_TRUE(object_.has("i"));
  expect_parts(user_error([&] { (void)object_.integer("s", 7); }), {"\"s\"", "an integer"});
}

TEST_F(JsonObjectTest, MissingKeysAreNamed) {
  expect_parts(user_error([&] { (void)object_.integer("none"); }),
               {"config.json", "\"none\"", "missing"});
  expect_parts(user_error([&] { (void)object_.string("null"); }), {"\"null\"", "missing"});
}

TEST_F(JsonObjectTest, WrongTypesAreNamedWithTheValue) {
  expect_parts(user_error([&] { (void)object_.integer("n"); }), {"\"n\"", "an integer", "1.5"});
  expect_parts(user_error([&] { (void)object_.number("s"); }), {"\"s\"", "a number", "\"x\""});
  expect_parts(user_error([&] { (void)object_.boolean("i", true); }), {"true or false", "-3"});
  expect_parts(user_error([&] { (void)object_.string("i"); }), {"a string", "-3"});
  expect_parts(user_error([&] { (void)object_.integers("mixed"); }),
               {"a list of integers", "mixed"});
  expect_parts(user_error([&] { (void)object_.integers("i"); }), {"a list of integers"});
  expect_parts(user_error([&] { (void)object_.object("i"); }),
               {"config.json: \"i\"", "expected an object", "number"});
}

TEST_F(JsonObjectTest, IntegersThatDoNotFitAreRefusedNotWrapped) {
  expect_parts(user_error([&] { (void)object_.integer("huge"); }), {"9223372036854775808"});
  expect_parts(user_error([&] { (void)object_.integers("huge_list"); }), {"18446744073709551615"});
}

}  // namespace
}  // namespace heddle
