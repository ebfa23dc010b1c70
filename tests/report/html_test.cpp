// Reports as pages.
#include "report/html.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "sample.h"

namespace heddle::report {
namespace {

TEST(Html, SameReportSameBytesAndSmall) {
  const std::string page = html(sample_report());
  EXPECT_EQ(page, html(sample_report()));
  EXPECT_LT(page.size(), 200'000);
}

TEST(Html, EscapesItsText) {
  const std::string page = html(sample_report());
  EXPECT_NE(page.find("<title>A sample: &lt;costs&gt; &amp; &quot;limits&quot;</title>"),
            std::string::npos);
  EXPECT_EQ(page.find("<all>"), std::string::npos);
  EXPECT_EQ(page.find("<costs>"), std::string::npos);
}

TEST(Html, ScriptOnlyWhereThereIsAChoice) {
  EXPECT_NE(html(sample_report()).find("<script>"), std::string::npos);
  EXPECT_EQ(html({"title", "", {}, {{"words", {Paragraph("alone")}}}}).find("<script>"),
            std::string::npos);
}

TEST(Html, RefusesANameTwice) {
  Report report = sample_report();
  report.sections.push_back(report.sections.front());
  EXPECT_THROW(html(report), InternalError);
}

}  // namespace
}  // namespace heddle::report
