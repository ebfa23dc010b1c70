#include "report/html.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "report/drawing.h"
#include "report/svg.h"
#include "report/words.h"

namespace heddle::report {
namespace {

constexpr std::string_view kStyle = R"(
:root{--ground:#fff;--ink:#1b1f24;--quiet:#57606a;--line:#d4d9df;--tint:#f4f6f8;--link:#1f5f9e}
@media screen and (prefers-color-scheme:dark){:root{--ground:#14171c;--ink:#e6e9ed;--quiet:#a3adb8;
--line:#343b44;--tint:#1d2127;--link:#8cc4f5;color-scheme:dark}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:70rem;padding:1rem;background:var(--ground);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 .25rem}
h2{font-size:1.25rem;line-height:1.3;margin:2.25rem 0 .5rem;padding-top:.5rem;border-top:1px solid var(--line)}
p{max-width:46rem;margin:.5rem 0}
a{color:var(--link)}
.subtitle{color:var(--quiet);margin:0 0 1rem}
.facts{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.15rem 1rem;margin:1rem 0}
.facts dt{color:var(--quiet)}
.facts dd{margin:0;min-width:0}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:1rem 0;padding:0}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:1.5rem 2rem;
margin:1rem 0}
figure{margin:0;min-width:0;max-width:34rem}
figure .chart{display:block;width:100%;height:auto}
figcaption{padding:0 1.7%}
figcaption,caption{color:var(--quiet);font-size:.9rem;text-align:left}
caption{padding-bottom:.25rem;caption-side:top}
.choice{border:0;margin:0 0 .25rem;padding:0 1.7%;font-size:.9rem}
.choice legend{float:left;padding:.2rem 0;margin-right:.75rem;color:var(--quiet)}
.choice label{display:inline-block;margin-right:.75rem;padding:.2rem 0}
.table{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .75rem .25rem 0;text-align:left;vertical-align:top;font-weight:400}
thead th{color:var(--quiet);vertical-align:bottom;border-bottom:1px solid var(--line)}
tbody tr+tr>*{border-top:1px solid var(--tint)}
.number{text-align:right;white-space:nowrap}
@media print{body{max-width:none;padding:0;font-size:10pt}nav,.choice{display:none}a{color:inherit}
h2{break-after:avoid}figure,tr{break-inside:avoid}.table{overflow:visible}table{font-size:8pt}
.figures{grid-template-columns:1fr 1fr;gap:1rem}}
)";

constexpr std::string_view kScript = R"(
for (const choice of document.querySelectorAll('.choice')) {
  const figure = choice.parentElement;
  const show = () => {
    const chosen = choice.querySelector('input:checked').value;
    for (const part of figure.querySelectorAll('[data-series]'))
      part.classList.toggle('off', chosen !== 'all' && part.dataset.series !== chosen);
    for (const layer of figure.querySelectorAll('[data-labels]'))
      layer.classList.toggle('off', layer.dataset.labels !== chosen);
  };
  choice.addEventListener('change', show);
  choice.hidden = false;
  show();
}
)";

/// Names that must not come twice.
class Names {
 public:
  void add(const std::string& name) {
    ensure(names_.insert(name).second, "a report has {} twice", quote(name));
  }

 private:
  std::set<std::string> names_;
};

std::string choice_html(const Figure& figure) {
  const std::vector<std::string> series = chosen_series(figure);
  if (series.empty()) return "";
  const auto button = [&](const std::string& value, const std::string& label, bool is_chosen) {
    return fmt::format(
        "<label><input type=\"radio\" name=\"{}\" value=\"{}\" autocomplete=\"off\"{}> "
        "{}</label>\n",
        figure.name, value, is_chosen ? " checked" : "", escaped(label));
  };
  std::string html =
      "<fieldset class=\"choice\" hidden><legend>Show</legend>\n" + button("all", "all", true);
  for (std::size_t i = 0; i < series.size(); ++i) {
    html += button(std::to_string(i), series[i], false);
  }
  return html + "</fieldset>\n";
}

std::string figure_html(const Figure& figure) {
  std::string html = "<figure>\n" + choice_html(figure) + inline_svg(figure);
  if (!figure.caption.empty()) html += "<figcaption>" + escaped(figure.caption) + "</figcaption>\n";
  return html + "</figure>\n";
}

std::string table_html(const ReportTable& table) {
  const std::vector<Column>& columns = table.table.columns();
  const auto attribute = [&](std::size_t column) {
    return columns[column].align == Align::kRight ? " class=\"number\"" : "";
  };
  std::string html = fmt::format(
      "<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n<table>\n"
      "<caption>{0}</caption>\n<thead><tr>",
      escaped(table.caption));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", attribute(i), escaped(columns[i].title));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.table.rows()) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      html += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", attribute(i), escaped(row[i]))
                     : fmt::format("<td{}>{}</td>", attribute(i), escaped(row[i]));
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table>\n</div>\n";
}

class Page {
 public:
  std::string write(const Report& report) {
    html_ = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n"
        "<title>{0}</title>\n<style>{1}{2}</style>\n</head>\n<body>\n<header>\n<h1>{0}</h1>\n",
        escaped(report.title), kStyle, chart_style());
    add_header(report);
    html_ += "</header>\n<main>\n";
    for (std::size_t i = 0; i < report.sections.size(); ++i) add(report.sections[i], i);
    html_ += "</main>\n";
    if (has_choice_) html_ += fmt::format("<script>{}</script>\n", kScript);
    return html_ + "</body>\n</html>\n";
  }

 private:
  void add_header(const Report& report) {
    if (!report.subtitle.empty()) {
      html_ += fmt::format("<p class=\"subtitle\">{}</p>\n", escaped(report.subtitle));
    }
    if (!report.facts.empty()) {
      html_ += "<dl class=\"facts\">\n";
      for (const Fact& fact : report.facts) {
        html_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(fact.name), escaped(fact.value));
      }
      html_ += "</dl>\n";
    }
    if (report.sections.size() < 2) return;
    html_ += "<nav aria-label=\"Sections\"><ul>\n";
    for (std::size_t i = 0; i < report.sections.size(); ++i) {
      html_ += fmt::format("<li><a href=\"#section-{}\">{}</a></li>\n", i,
                           escaped(report.sections[i].heading));
    }
    html_ += "</ul></nav>\n";
  }

  void add(const Section& section, std::size_t index) {
    html_ +=
        fmt::format("<section>\n<h2 id=\"section-{}\">{}</h2>\n", index, escaped(section.heading));
    bool is_among_figures = false;  // Figures that follow each other stand side by side.
    for (const Block& block : section.blocks) {
      const bool is_figure = std::holds_alternative<Figure>(block);
      if (is_figure && !is_among_figures) html_ += "<div class=\"figures\">\n";
      if (!is_figure && is_among_figures) html_ += "</div>\n";
      is_among_figures = is_figure;
      std::visit([&](const auto& value) { add(value); }, block);
    }
    html_ += is_among_figures ? "</div>\n</section>\n" : "</section>\n";
  }

  void add(const Paragraph& paragraph) { html_ += "<p>" + escaped(paragraph) + "</p>\n"; }

  void add(const ReportTable& table) {
    tables_.add(table.name);
    html_ += table_html(table);
  }

  void add(const Figure& figure) {
    figures_.add(figure.name);
    has_choice_ = has_choice_ || !chosen_series(figure).empty();
    html_ += figure_html(figure);
  }

  std::string html_;
  Names figures_;
  Names tables_;
  bool has_choice_ = false;
};

}  // namespace

std::string html(const Report& report) {
  return Page().write(report);
}

}  // namespace heddle::report
