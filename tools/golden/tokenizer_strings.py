"""Random texts that tokenizers find hard."""

WORDS = """the robot's arm isn't moving don't we'll they've I'd you're I'm it's THEY'RE 'sound 't
pick up cube and place in box Hello World hello world naïve café Größe łyżka déjà-vu e-mail
supercalifragilistic antidisestablishmentarianism foo_bar camelCase HTTPServer x86_64 v1.2.3
https://example.org/a?b=c&d=e user@example.org #tag $9.99 50% 1st 2nd 3,141.59 1e-9 0xFF 2026-07-02
def main(): return {} [] != == -> :: /* */ // <br/> </div> && || ... --- === *** ~~~ «quote» “q” ’s
机器人 ロボット 로봇 робот ρομπότ רובוט روبوت โรบอท रोबोट 红色的杯子 テーブル""".split()

EMOJI = ["😀", "🤖", "👍🏽", "👨‍👩‍👧‍👦", "👩🏿‍🚀", "🏳️‍🌈", "🇩🇪", "🇯🇵🇫🇷", "❤️", "☺", "1️⃣", "#️⃣", "🧑‍💻", "🫠", "✈️", "🏴‍☠️"]

SPACES = [" ", " ", " ", "\n", "\t", "\r\n", "\r", "\x0b", "\x0c", "\u0085", "\u00a0", "\u1680", "\u2003",
          "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"]

# Look like white space or digits, and are not, or not for everyone.
TRAPS = ["\u180e", "\u200b", "\u200d", "\ufeff", "\u2060", "\x00", "\x1c", "\x1f", "\x7f", "\u00ad", "\ufffd",
         "\u00b2", "\u00bd", "\u2167", "\u3007", "\u4e00", "\u0660", "\u06f3", "\u0967", "\u0e53", "\uff15",
         "\u2460", "\u3280", "\U0001d7ce", "\U0001f101", "\U00010107", "\U00011de3", "\u0300", "\u0301",
         "\u20ac", "\uffff", "\U0010ffff", "'", "’", "`", "Ġ", "Ċ", "ĉ", "Ń"]

# Ranges of code points to draw from.
ALPHABETS = {
    "all": [(0x00, 0x7F), (0x20, 0x7E), (0x80, 0x24F), (0x250, 0x7FF), (0x800, 0xFFF),
            (0x1000, 0x1FFF), (0x2000, 0x2BFF), (0x2C00, 0x33FF), (0x3400, 0x9FFF),
            (0xA000, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFF), (0x11000, 0x12FFF),
            (0x13000, 0x1CFFF), (0x1D000, 0x1FFFF), (0x20000, 0x3FFFF), (0x40000, 0xEFFFF),
            (0xE0000, 0xE01FF), (0xF0000, 0x10FFFF)],
    # Assigned in every version of Unicode that a regular-expression library may bring.
    "common": [(0x20, 0x7E), (0x20, 0x7E), (0xA1, 0x17F), (0x391, 0x3A1), (0x410, 0x44F),
               (0x5D0, 0x5EA), (0x660, 0x669), (0x4E00, 0x4F00), (0x3041, 0x3096),
               (0x1F600, 0x1F64F)],
}


class StringMaker:
    def __init__(self, rng, tokens, ranges):
        self.rng = rng
        self.tokens = tokens or WORDS
        self.ranges = ranges
        self.common = ranges is ALPHABETS["common"]

    def character(self):
        first, last = self.rng.choice(self.ranges)
        return chr(self.rng.randint(first, last))

    def characters(self, most):
        """Few, from one range, as a script comes in words."""
        first, last = self.rng.choice(self.ranges)
        count = self.rng.randint(1, most)
        return "".join(chr(self.rng.randint(first, last)) for _ in range(count))

    def space_run(self):
        kind = self.rng.random()
        if kind < 0.5:
            return self.rng.choice(" \t\n") * min(90, 1 + int(self.rng.expovariate(0.12)))
        return "".join(self.rng.choice(SPACES) for _ in range(self.rng.randint(1, 8)))

    def digits(self):
        return "".join(self.rng.choice("0123456789") for _ in range(self.rng.randint(1, 9)))

    def trap(self):
        if self.common:
            return self.rng.choice("'’`²½ĠĊ_-")
        return "".join(self.rng.choice(TRAPS) for _ in range(self.rng.randint(1, 3)))

    def words(self, most=7):
        count = self.rng.randint(1, most)
        return " ".join(self.rng.choice(WORDS) for _ in range(count))

    def atom(self):
        makers = [
            lambda: self.rng.choice(WORDS), lambda: self.rng.choice(WORDS), lambda: " ",
            self.space_run, self.digits, self.trap, self.character, lambda: self.characters(4),
            lambda: self.rng.choice(EMOJI[:2] if self.common else EMOJI),
            lambda: self.rng.choice(self.tokens), lambda: self.rng.choice(self.tokens),
            lambda: self.broken_token(),
        ]
        return self.rng.choice(makers)()

    def broken_token(self):
        token = self.rng.choice(self.tokens)
        return token[: self.rng.randint(0, len(token))]

    def mixed(self):
        return "".join(self.atom() for _ in range(self.rng.randint(1, 8)))

    def strings(self, count):
        """`count` different texts; the first few are the empty one and long ones."""
        fixed = ["", " ", "  ", "\n", "\n\n", "'", "''s", "a" * 3000, " " * 2000, "ab" * 1500,
                 "1" * 1000, "\n" * 1000 + "x", " \t" * 600, "!" * 2000, "é" * 700,
                 self.words(300)]
        result = dict.fromkeys(fixed)
        makers = [
            self.mixed, self.mixed, self.mixed, self.words, lambda: self.characters(8),
            lambda: "".join(self.character() for _ in range(self.rng.randint(1, 6))),
            lambda: self.rng.choice(WORDS) + self.space_run() + self.rng.choice(WORDS),
            lambda: self.digits() + self.trap() + self.digits(),
        ]
        while len(result) < count:
            result[self.rng.choice(makers)()] = None
        return list(result)
