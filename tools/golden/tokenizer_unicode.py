"""Writes src/model/text/unicode_tables.cpp: which characters the reference tokenizers call letters,
numbers, digits and word characters, asked of the `tokenizers` library itself, one by one.

Run from the repository's root: python tools/golden/tokenizer_unicode.py
"""

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Digits, Split

TARGET = "src/model/text/unicode_tables.cpp"
PER_LINE = 5
CODES = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

HEADER = """\
// Tables of Unicode properties, written by tools/golden/tokenizer_unicode.py; do not edit.
#include <array>

#include "model/text/unicode.h"

namespace heddle {
namespace {

// clang-format off
"""


def matches_regex(expression):
    """The code points that a regular expression matches."""
    splitter = Split(Regex(expression), "removed")
    return {c for c in CODES if not splitter.pre_tokenize_str(chr(c))}


def digits():
    """The code points that Digits sets apart from a letter."""
    splitter = Digits(individual_digits=True)
    return {c for c in CODES if len(splitter.pre_tokenize_str("a" + chr(c))) == 2}


def word_characters():
    """The code points next to which a token that must be a single word is not found."""
    tokenizer = Tokenizer(BPE({"?": 0}, [], unk_token="?"))
    tokenizer.add_tokens([AddedToken("#", single_word=True, normalized=False)])
    found = tokenizer.token_to_id("#")
    return {c for c in CODES if c != ord("#") and found not in tokenizer.encode("#" + chr(c)).ids}


def ranges(codes):
    result = []
    for code in sorted(codes):
        if result and result[-1][1] == code - 1:
            result[-1][1] = code
        else:
            result.append([code, code])
    return result


def table(name, codes):
    found = ranges(codes)
    items = ["{0x%X, 0x%X}" % (first, last) for first, last in found]
    lines = [", ".join(items[i : i + PER_LINE]) + "," for i in range(0, len(items), PER_LINE)]
    body = "".join("    " + line + "\n" for line in lines)
    return "constexpr std::array<CodeRange, %d> %s = {{\n%s}};\n\n" % (len(found), name, body)


def main():
    tables = [
        ("kLetters", "letter_ranges", matches_regex(r"\p{L}")),
        ("kNumbers", "number_ranges", matches_regex(r"\p{N}")),
        ("kNumerics", "numeric_ranges", digits()),
        ("kWordCharacters", "word_ranges", word_characters()),
    ]
    text = HEADER + "".join(table(name, codes) for name, _, codes in tables)
    text += "// clang-format on\n\n}  // namespace\n\n"
    for name, function, _ in tables:
        text += "std::span<const CodeRange> %s() {\n  return %s;\n}\n\n" % (function, name)
    text += "}  // namespace heddle\n"
    with open(TARGET, "w", encoding="utf-8") as file:
        file.write(text)
    for name, _, codes in tables:
        print("%s: %d code points" % (name, len(codes)))


if __name__ == "__main__":
    main()
