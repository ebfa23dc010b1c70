"""Tokenizers that differ from the synthetic one in one respect, as JSON patches."""

WORD_PATTERN = r"\w+|[^\w\s]+"
# As in the tokenizers of several newer language models.
CASELESS_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
              "use_regex": True}
SYMBOLS_ONLY = dict(BYTE_LEVEL, use_regex=False)
FIRST_FREE_ID = 1152


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def pre_tokenizer(*steps):
    return [replace("/pre_tokenizer", {"type": "Sequence", "pretokenizers": list(steps)})]


def split(kind, pattern, behaviour="Isolated", invert=False):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behaviour, "invert": invert}


def split_variants():
    variants = []
    for behaviour in BEHAVIOURS:
        for invert in (False, True):
            for kind, pattern in (("Regex", WORD_PATTERN), ("String", "e"), ("String", "  ")):
                variants.append({
                    "name": "Split %s %r %s%s" % (kind, pattern, behaviour, " inverted" * invert),
                    "patch": pre_tokenizer(split(kind, pattern, behaviour, invert), SYMBOLS_ONLY),
                })
    for name, pattern in [
        ("a caseless pattern", CASELESS_PATTERN), ("matches of nothing", r"\b|x*"),
        ("lines", r"^.*$"), ("look-around", r"(?<=[a-z])(?=[A-Z])|(?<!\d),"),
    ]:
        variants.append({
            "name": "Split at " + name,
            "patch": pre_tokenizer(split("Regex", pattern), SYMBOLS_ONLY),
        })
    return variants


def pre_tokenizer_variants():
    individual = {"type": "Digits", "individual_digits": True}
    runs = {"type": "Digits", "individual_digits": False}
    return [
        {"name": "ByteLevel alone", "patch": [replace("/pre_tokenizer", BYTE_LEVEL)]},
        {"name": "ByteLevel without expression",
         "patch": [replace("/pre_tokenizer", SYMBOLS_ONLY)]},
        {"name": "ByteLevel with a prefix space",
         "patch": [replace("/pre_tokenizer", dict(BYTE_LEVEL, add_prefix_space=True))]},
        {"name": "a prefix space before every digit",
         "patch": pre_tokenizer(individual, dict(SYMBOLS_ONLY, add_prefix_space=True))},
        {"name": "Digits in runs", "patch": pre_tokenizer(runs, BYTE_LEVEL)},
        {"name": "Digits among byte symbols", "patch": pre_tokenizer(BYTE_LEVEL, individual)},
        {"name": "a Sequence in a Sequence",
         "patch": pre_tokenizer({"type": "Sequence", "pretokenizers": [runs]},
                                split("String", "o", "MergedWithNext"), BYTE_LEVEL)},
        {"name": "no pre-tokenizer", "patch": [replace("/pre_tokenizer", None)]},
    ]


def model_variants():
    unknown = [replace("/pre_tokenizer", None), replace("/model/unk_token", "<|endoftext|>")]
    fewer_merges = [{"op": "remove", "path": "/model/merges/%d" % i} for i in range(700, 100, -3)]
    return [
        {"name": "unknown characters", "patch": unknown},
        {"name": "runs of unknown characters",
         "patch": unknown + [replace("/model/fuse_unk", True)]},
        {"name": "merges missing", "patch": fewer_merges},
        {"name": "merges ignored for whole tokens",
         "patch": fewer_merges + [replace("/model/ignore_merges", True)]},
        {"name": "merges in reverse", "patch": [{"op": "reverse", "path": "/model/merges"}]},
        {"name": "merges in reverse, no pieces",
         "patch": [{"op": "reverse", "path": "/model/merges"},
                   replace("/pre_tokenizer", SYMBOLS_ONLY)]},
        {"name": "a merge given twice",
         "patch": [{"op": "add", "path": "/model/merges/-", "value": ["Ġ", "t"]}]},
    ]


def added(contents):
    """Patches that append added tokens: {content: flags}."""
    patches = []
    for index, (content, flags) in enumerate(contents.items()):
        token = {"id": FIRST_FREE_ID + index, "content": content, "single_word": "w" in flags,
                 "lstrip": "l" in flags, "rstrip": "r" in flags, "normalized": "n" in flags,
                 "special": "s" in flags}
        patches.append({"op": "add", "path": "/added_tokens/-", "value": token})
    return patches


def added_token_variants():
    plain = {"[A]": "l", "[B]": "r", "[C]": "lrs", "[D]": "", "[AB": "", "[A][B]": ""}
    normalized = {"[A]": "ln", "[B]": "rn", "[C]": "lrs", "[A]x": "n", "x[C]": "n"}
    words = {"cube": "w", "[W]": "w", "qz": "wn", "qzx": "wl", "ñü": "w"}
    spaces = {"   ": "r", "  ": "n", "\n\n": "", " \n": "r", "[A]": "l"}
    after = ["cube ", "cubes", "_qz", "qz qz", "qzxé", " qzx", "ñüñ"]
    return [
        {"name": "tokens that take white space along", "patch": added(plain),
         "tokens": list(plain) + [" [A] ", "\n[B]\u3000", " [C]"]},
        {"name": "the same, normalized", "patch": added(normalized),
         "tokens": list(normalized) + [" [A]x", "\t[B]\t", " x[C] "]},
        {"name": "single words", "patch": added(words), "tokens": list(words) + after},
        {"name": "tokens of white space", "patch": added(spaces), "tokens": list(spaces)},
    ]


def template(prefix, suffix):
    special = {name: {"id": name, "ids": ids, "tokens": ["<|im_start|>"] * len(ids)}
               for name, ids in (("before", prefix), ("after", suffix))}
    single = [{"SpecialToken": {"id": "before", "type_id": 0}},
              {"Sequence": {"id": "A", "type_id": 0}},
              {"SpecialToken": {"id": "after", "type_id": 0}}]
    return {"type": "TemplateProcessing", "single": single,
            "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": special}


def sequence_variants():
    processors = {"type": "Sequence", "processors": [BYTE_LEVEL, template([1], [2])]}

    def truncation(side, length):
        return replace("/truncation", {"direction": side, "max_length": length, "stride": 0,
                                       "strategy": "LongestFirst"})

    return [
        {"name": "a template", "patch": [replace("/post_processor", template([1, 2], [0]))]},
        {"name": "a Sequence of processors", "patch": [replace("/post_processor", processors)]},
        {"name": "cut on the left", "patch": [truncation("Left", 5)]},
        {"name": "cut on the right", "patch": [truncation("Right", 5)]},
        {"name": "cut inside a template",
         "patch": [truncation("Left", 6), replace("/post_processor", processors)]},
        {"name": "nothing left", "patch": [truncation("Right", 0)]},
    ]


VARIANTS = (
    pre_tokenizer_variants() + split_variants() + model_variants() + added_token_variants()
    + sequence_variants()
)
