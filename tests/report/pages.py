#!/usr/bin/env python3
"""pages.py FOLDER COMMAND...: runs a command that writes a report to FOLDER (report.html, charts as SVG, tables as
CSV), parses what was written, and, where there is a Chromium, looks at it there: nothing said on the console, no request but for the files, no page wider
than its window, no label on another with the widths that fonts really have. Leaves screenshots in the folder.
Exit status 77: all was well, but there was no browser."""

import csv
import html.parser
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from browser import Browser, find_chromium

VOID = {"meta", "link", "input", "br"}
# Pairs of texts in one chart that are both to be seen and cover each other.
OVERLAPS = """(() => {
  const found = [];
  for (const chart of document.querySelectorAll('svg.chart')) {
    const boxes = [...chart.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()])
      .filter(([_, box]) => box.width > 0);
    const whole = chart.getBoundingClientRect();
    boxes.forEach(([a, p], i) => {
      if (p.left < whole.left - 1 || p.right > whole.right + 1 || p.bottom > whole.bottom + 1) found.push([a, 'edge']);
      boxes.slice(0, i).forEach(([b, q]) => {
        // Boxes are higher than letters: a fifth of each may be shared.
        const high = Math.min(p.height, q.height) / 5;
        if (p.left < q.right && q.left < p.right && p.top < q.bottom - high && q.top < p.bottom - high)
          found.push([a, b]);
      });
    });
  }
  return found;
})()"""


class Balance(html.parser.HTMLParser):
    """Fails unless elements close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def check_files(folder):
    for path in sorted(folder.glob("*.svg")):
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg", path
        assert root[0].tag.endswith("title") and root[1].tag.endswith("desc"), path
    for path in folder.glob("*.csv"):
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file, strict=True))
        assert len(rows) > 1 and len({len(row) for row in rows}) == 1, path
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert len(page) <= 1.5e6, f"{len(page)} characters are too much for a page"
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert not balance.open, f"left open: {balance.open}"
    assert len(balance.ids) == len(set(balance.ids)), "an id comes twice"
    assert "http:" not in page and "https:" not in page, "the page names an address"


def check_in_browser(folder):
    page = folder / "report.html"
    with Browser(find_chromium()) as browser:
        for name, width, is_dark in [("light", 1200, False), ("dark", 1200, True), ("phone", 360, False),
                                     ("narrow", 320, True)]:
            browser.show(page, width, is_dark)
            browser.screenshot(folder / f"{name}.png")
            assert browser.evaluate("document.documentElement.scrollWidth") <= width, f"{name}: too wide"
            overlaps = browser.evaluate(OVERLAPS)
            assert not overlaps, f"{name}: texts cover each other: {overlaps}"
        for series in range(4):
            browser.evaluate(f"document.querySelectorAll('input[value=\"{series}\"]').forEach(i => i.click())")
            others = browser.evaluate(
                f"[...document.querySelectorAll('[data-series]:not([data-series=\"{series}\"])')]"
                ".filter(part => part.getBoundingClientRect().width > 0).length")
            assert others == 0, f"series {series}: {others} parts of others are to be seen"
            overlaps = browser.evaluate(OVERLAPS)
            assert not overlaps, f"series {series}: texts cover each other: {overlaps}"
        for path in sorted(folder.glob("*.svg")):
            browser.show(path, 360)
            overlaps = browser.evaluate(OVERLAPS)
            assert not overlaps, f"{path.name}: texts cover each other: {overlaps}"
        browser.show(page)
        browser.pdf(folder / "print.pdf")
        assert not browser.console, f"the console says {browser.console}"
        foreign = [address for address in browser.requests if not address.startswith(("file:", "data:"))]
        assert not foreign, f"the page asks for {foreign}"


def main():
    folder, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    check_files(folder)
    if not find_chromium():
        print("no Chromium: what was written is well formed, but nobody looked at it")
        return 77
    check_in_browser(folder)
    print(f"{len(list(folder.glob('*.svg')))} charts and a page looked at")
    return 0


if __name__ == "__main__":
    sys.exit(main())
