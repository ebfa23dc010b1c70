#!/usr/bin/env python3
"""Counts the test cases of ctest runs: count.py FOLDER..., where `ctest --output-junit FOLDER/ctest.xml` ran
with GTEST_OUTPUT=xml:FOLDER/. Prints "passed failed skipped". A program that wrote no results of its own
counts as one case, and so does a program that failed although none of its cases did (a crash, a leak)."""

import collections
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def case_result(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("result") in ("skipped", "suppressed"):
        return "skipped"
    return "passed"


def count(folder):
    counts = collections.Counter()
    for test in ElementTree.parse(folder / "ctest.xml").iter("testcase"):
        whole = {"run": "passed", "fail": "failed"}.get(test.get("status"), "skipped")
        details = folder / (test.get("name") + ".xml")
        cases = collections.Counter()
        if details.exists():
            cases.update(map(case_result, ElementTree.parse(details).iter("testcase")))
        if not cases or (whole == "failed" and not cases["failed"]):
            cases[whole] += 1
        counts += cases
    return counts


def main():
    total = sum((count(pathlib.Path(folder)) for folder in sys.argv[1:]), collections.Counter())
    print(total["passed"], total["failed"], total["skipped"])


if __name__ == "__main__":
    main()
