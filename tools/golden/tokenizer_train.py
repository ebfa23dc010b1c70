"""Trains the small tokenizer of synthetic checkpoints: src/model/smolvla/tokenizer.json.

It has the structure of SmolVLM2's (digits one by one, byte-level BPE, specials first, 128 added
tokens last) with 1152 tokens. The corpus is made here: sentences put together from word lists, and
prose, code and foreign words written for this purpose. Same script, same file.

Run from the repository's root: python tools/golden/tokenizer_train.py
"""

import json
import random

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

TARGET = "src/model/smolvla/tokenizer.json"
SEED = 20
BPE_TOKENS = 1024
MAX_LENGTH = 8192
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
GRID = 6
RESERVED = 88

VERBS = [
    "pick up", "grasp", "lift", "move", "push", "pull", "place", "put", "stack", "rotate", "slide",
    "turn over", "hand me", "wipe", "open", "close", "pour from", "insert", "take", "drop",
]
COLOURS = ["red", "green", "blue", "yellow", "white", "black", "orange", "purple", "grey", "brown"]
SIZES = ["small", "large", "tall", "flat", "heavy", "light", "round", "square", "long", "broken"]
OBJECTS = [
    "cube", "block", "bowl", "cup", "mug", "plate", "spoon", "fork", "bottle", "can", "box", "lid",
    "pen", "book", "sponge", "towel", "drawer", "basket", "tray", "apple", "banana", "lemon",
    "carrot", "screwdriver", "wrench", "gear", "peg", "ring", "cloth", "battery", "cable", "lego",
]
PLACES = [
    "on the table", "in the box", "into the bowl", "next to the plate", "on top of the cube",
    "behind the bottle", "to the left of the mug", "to the right of the tray", "under the shelf",
    "near the edge", "in the drawer", "at the centre of the table", "in front of the robot",
    "between the two cups", "away from the wall", "back where it was",
]
ADVERBS = ["slowly", "carefully", "quickly", "gently", "with the left arm", "with both arms", ""]
UNITS = ["mm", "cm", "degrees", "seconds", "steps", "grams", "newtons", "percent", "times"]

PROSE = """\
The arm waits above the table until the camera has seen every object that lies there.
A good grasp begins with looking: where is the handle, and which way does it point?
When the fingers close too early they push the cup away; when they close too late they miss it.
We moved the lamp in the morning, and for an hour the robot could not find the yellow sponge.
It isn't enough to know where things are. One must also know where they will be.
She said that she'd seen the drawer open by itself, but nobody believed her.
They're building a small kitchen for it, with a sink, a stove and three shelves.
I'll show you how the gripper works; you don't have to touch anything.
The children have put their toys on the floor again, and the vacuum cleaner can't get through.
Every action is a short list of numbers, one for each joint and one for the hand.
What would you do if the bottle were empty? You would put it into the basket by the door.
There was nothing on the tray except a spoon, two lemons and the lid of a jar.
Water runs downhill, and so do round things on a table that isn't level.
He's been counting screws all day: there should be forty-eight, but he's got only forty-seven.
Before the experiment started we checked the cables, the brakes and the emergency stop.
The picture shows a table with some bowls; the largest of them is full of water.
If it has been told to stop, it must stop, whatever else it was doing at that moment.
Nothing moves faster than it has to, because what moves slowly breaks less often.
The first attempt failed, the second one nearly worked, and the third was perfect.
Please describe what you see in the image, and then answer the question with one word.
The assistant could not tell whether the mug was blue or green, so it asked the user.
Light from the window fell on the plate, and the camera saw only a white spot.
Some of these objects are heavier than they look; others are made of paper.
You'll need a screwdriver, a wrench, some patience and about twenty minutes.
Our neighbours have a cat that likes to sleep in boxes, and we've learned to look first.
The more often a thing has been done, the easier it is to do it once more.
In the evening the laboratory is quiet, and only the fans of the computers can be heard.
A plan is a promise about the future; a policy is a habit that has been learned.
This one goes here, that one goes there, and those over there stay where they are.
Don't pour before the cup is upright. Don't let go before the cup is on the table.
"""

CODE = """\
for (int i = 0; i < count; ++i) { sum += weights[i] * inputs[i]; }
def move_to(position, speed=0.5):\n    return arm.move(position, speed=speed)\n
if (error != 0) {\n    std::cerr << "no answer from the controller" << std::endl;\n    return 1;\n}
{"task": "pick up the red cube", "state": [0.0, 1.5, -0.25], "done": false}
import numpy as np\n\nactions = np.zeros((50, 6), dtype=np.float32)\n
while not done:\n    observation = robot.observe()\n    action = policy(observation)\n
<image>\nUSER: What is on the table?\nASSISTANT: A bowl and two spoons.
User: describe the picture\nAssistant: I see a robot arm and a box.
"""

FOREIGN = """\
Der Roboter hebt die Schüssel auf und stellt sie neben den Teller. Größe, Tür, Löffel, schön.
Le bras pose la tasse à côté de la boîte. Où est la cuillère ? Très bien, ça va.
El robot pone la manzana en la caja pequeña. ¿Dónde está el año? ¡Cuidado!
Robot bierze łyżkę i kładzie ją na stół. Dziękuję, świetnie.
ロボットは赤い箱を持ち上げる。テーブルの上。
机器人把红色的杯子放在桌子上。
Робот берёт красный куб и кладёт его на стол.
"""


def instruction(rng):
    words = [
        rng.choice(VERBS), "the", rng.choice([rng.choice(COLOURS), rng.choice(SIZES)]),
        rng.choice(OBJECTS),
    ]
    if rng.random() < 0.6:
        words.append(rng.choice(PLACES))
    if rng.random() < 0.3:
        words.append(rng.choice(ADVERBS))
    if rng.random() < 0.2:
        words += ["and then", rng.choice(VERBS), "the", rng.choice(OBJECTS)]
    text = " ".join(word for word in words if word)
    return rng.choice([text, text.capitalize() + ".", text + "\n"])


def measurement(rng):
    number = rng.choice([str(rng.randrange(1000)), "%.2f" % rng.uniform(-9, 9)])
    return "%s the %s by %s %s" % (
        rng.choice(["move", "turn", "lift", "lower"]), rng.choice(OBJECTS), number,
        rng.choice(UNITS),
    )


def corpus():
    rng = random.Random(SEED)
    lines = [instruction(rng) for _ in range(6000)] + [measurement(rng) for _ in range(1000)]
    code = [line.replace("\\n", "\n") for line in CODE.splitlines()]
    return lines + 40 * PROSE.splitlines() + 15 * code + 8 * FOREIGN.splitlines()


def added_tokens():
    rows = ["<row_%d_col_%d>" % (r + 1, c + 1) for r in range(GRID) for c in range(GRID)]
    reserved = ["<|reserved_special_token_%d|>" % i for i in range(RESERVED)]
    return (
        ["<global-img>"] + rows + ["<fake_token_around_image>", "<image>"] + reserved
        + ["<end_of_utterance>"]
    )


def train():
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=BPE_TOKENS,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    added = [AddedToken(text, normalized=False, special=True) for text in added_tokens()]
    tokenizer.add_special_tokens(added)
    tokenizer.enable_truncation(max_length=MAX_LENGTH, direction="left")
    return tokenizer


def main():
    tokenizer = train()
    assert tokenizer.get_vocab_size() == BPE_TOKENS + len(added_tokens()) == 1152
    content = json.loads(tokenizer.to_str())
    with open(TARGET, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.write("\n")
    longest = sorted(tokenizer.get_vocab(), key=len)[-140:-128]
    print("%s: %d tokens; the longest learned: %s" % (TARGET, tokenizer.get_vocab_size(), longest))


if __name__ == "__main__":
    main()
