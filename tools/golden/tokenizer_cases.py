"""Writes tests/golden/text/: texts and the ids that the `tokenizers` library gives for them.

  strings.bin             texts: a 16-bit length (little endian), then that many bytes of UTF-8
  phi2.ids, synthetic.ids for each text a 16-bit count, then that many 16-bit ids
  code_points.json        per tokenizer, a checksum of the pieces of each block of 4096 code points
  decode.json             per tokenizer, sequences of ids and their texts with and without specials
  variants.json           small changes of the synthetic tokenizer (JSON patches), texts and ids

The two tokenizers are that of Phi-2 (a file outside the repository) and the synthetic one.
Run from the repository's root: python tools/golden/tokenizer_cases.py
"""

import copy
import json
import random
import struct
import zlib

from tokenizers import Tokenizer

from tokenizer_strings import ALPHABETS, StringMaker
from tokenizer_variants import VARIANTS

FOLDER = "tests/golden/text/"
FILES = {
    "phi2": "../shared/data/phi-2/tokenizer.json",
    "synthetic": "src/model/smolvla/tokenizer.json",
}
SEED = 7
STRINGS = 21000
DECODE_CASES = 600
BLOCK = 4096
TEXTS_PER_VARIANT = 60


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(name, value):
    with open(FOLDER + name, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def write_strings(strings):
    with open(FOLDER + "strings.bin", "wb") as file:
        for text in strings:
            data = text.encode("utf-8")
            file.write(struct.pack("<H", len(data)) + data)


def write_ids(name, tokenizer, strings):
    with open(FOLDER + name + ".ids", "wb") as file:
        for text in strings:
            ids = tokenizer.encode(text).ids
            file.write(struct.pack("<%dH" % (len(ids) + 1), len(ids), *ids))


def block_text(first):
    """Each code point of a block behind a letter, a digit, a sign and a space."""
    codes = (c for c in range(first, first + BLOCK) if not 0xD800 <= c <= 0xDFFF)
    return "".join("x%s1%s!%s %s" % ((chr(c),) * 4) for c in codes)


def block_checks(tokenizer):
    """For each block the CRC-32 of its pieces, each ended by a zero byte."""
    checks = []
    for first in range(0, 0x110000, BLOCK):
        pieces = tokenizer.pre_tokenizer.pre_tokenize_str(block_text(first))
        checks.append(zlib.crc32("".join(text + "\0" for text, _ in pieces).encode("utf-8")))
    return checks


def decode_cases(tokenizer, rng):
    cases = []
    for _ in range(DECODE_CASES):
        ids = [rng.randrange(tokenizer.get_vocab_size()) for _ in range(rng.randrange(1, 12))]
        if rng.random() < 0.5:  # Mostly single bytes: broken UTF-8.
            ids = [rng.randrange(260) for _ in ids]
        kept = tokenizer.decode(ids, skip_special_tokens=False)
        cases.append([ids, kept, tokenizer.decode(ids, skip_special_tokens=True)])
    return cases


def patched(document, operations):
    """JSON patch (RFC 6902: add, replace, remove), and "reverse" for a list."""
    document = copy.deepcopy(document)
    for operation in operations:
        *parents, last = operation["path"].split("/")[1:]
        target = document
        for key in parents:
            target = target[int(key) if isinstance(target, list) else key]
        if isinstance(target, list) and last != "-":
            last = int(last)
        if operation["op"] == "reverse":
            target[last].reverse()
        elif operation["op"] == "remove":
            del target[last]
        elif last == "-":
            target.append(operation["value"])
        else:
            target[last] = operation["value"]
    return document


def variant_cases(base, rng):
    result = []
    for variant in VARIANTS:
        tokenizer = Tokenizer.from_str(json.dumps(patched(base, variant["patch"])))
        maker = StringMaker(rng, variant.get("tokens", []), ALPHABETS["common"])
        texts, ids = [], []
        while len(texts) < TEXTS_PER_VARIANT:
            text = maker.mixed()
            try:
                encoded = tokenizer.encode(text).ids
            except BaseException as error:  # The library panics on some overlapping tokens.
                if type(error).__name__ != "PanicException":
                    raise
                continue
            texts.append(text)
            ids.append(encoded)
        result.append({"name": variant["name"], "patch": variant["patch"], "texts": texts,
                       "ids": ids})
    return result


def main():
    rng = random.Random(SEED)
    tokenizers = {name: Tokenizer.from_file(path) for name, path in FILES.items()}
    added = []
    for path in FILES.values():
        added += [token["content"] for token in load(path)["added_tokens"]]
    strings = StringMaker(rng, added, ALPHABETS["all"]).strings(STRINGS)
    write_strings(strings)
    for name, tokenizer in tokenizers.items():
        write_ids(name, tokenizer, strings)
    write_json("code_points.json", {n: block_checks(t) for n, t in tokenizers.items()})
    write_json("decode.json", {n: decode_cases(t, rng) for n, t in tokenizers.items()})
    variants = variant_cases(load(FILES["synthetic"]), rng)
    write_json("variants.json", variants)
    print("%d strings, %d variants" % (len(strings), len(variants)))


if __name__ == "__main__":
    main()
