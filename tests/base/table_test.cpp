// Tables as text.
#include "base/table.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace heddle {
namespace {

TEST(Table, AlignsColumnsAndTrimsLineEnds) {
  Table table({{"stage"}, {"ms", Align::kRight}, {"note"}});
  table.add_row({"vision", "12.5", ""});
  table.add_row({"x", "130.0", "slow"});
  EXPECT_EQ(table.to_string(),
            "stage      ms  note\n"
            "vision   12.5\n"
            "x       130.0  slow\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({{"time"}, {"n", Align::kRight}});
  table.add_row({"µµµµµ", "1"});
  table.add_row({"abcde", "2"});
  EXPECT_EQ(table.to_string(),
            "time   n\n"
            "µµµµµ  1\n"
            "abcde  2\n");
}

TEST(Table, WithoutRowsIsItsHeader) {
  EXPECT_EQ(Table({{"a"}, {"b"}}).to_string(), "a  b\n");
}

TEST(Table, CsvQuotesWhatWouldBreakACell) {
  Table table({{"name"}, {"size [MB]", Align::kRight}});
  table.add_row({"plain text; µ", "1.5"});
  table.add_row({"a,b", ""});
  table.add_row({"say \"no\"", "line\nline"});
  EXPECT_EQ(table.to_csv(),
            "name,size [MB]\r\n"
            "plain text; µ,1.5\r\n"
            "\"a,b\",\r\n"
            "\"say \"\"no\"\"\",\"line\nline\"\r\n");
}

TEST(Table, RefusesARowOfAnotherWidth) {
  Table table({{"a"}, {"b"}});
  EXPECT_THROW(table.add_row({"1"}), InternalError);
}

}  // namespace
}  // namespace heddle
