"""What is said in the bundled sample: a scripted meeting of Ana, Ben, Carl and Dora, as text.

Dora leaves after five minutes and is back for the last five. There is a break in the middle, and music
from next door under two topics. None of its sentences of more than three words may be trained on: `held_out`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from data.recipes import lexicon

CHAIR = "ana"
PEOPLE = ("ana", "ben", "carl", "dora")
_SEED = "roundtable 1"
_NODS = ("Yes, I agree.", "I see.", "That is right.", "Good idea.", "All right.", "Yes, of course.")
_COMMON = ("i am not sure", "sounds good to me")  # left to the training, which would lack these words else
_TALKATIVE = {"ana": 1.2, "ben": 1.0, "carl": 0.9, "dora": 1.1}


@dataclass(frozen=True)
class Turn:
    """What somebody says in one go. `aside`: said while the others speak on. `scene`: index into `SCENES`."""

    speaker: str
    sentences: tuple[str, ...]
    scene: int
    aside: bool = False


@dataclass(frozen=True)
class Scene:
    """A stretch of the meeting: fixed lines first, then talk about `topic` for about `seconds`.

    `silence`: seconds in which nobody says anything after it.
    """

    lines: tuple[str, ...] = ()
    topic: dict[str, str] | None = None
    seconds: float = 0.0
    absent: str = ""
    music: bool = False
    silence: float = 0.0


def _about(doc: str, event: str, asset: str, group: str) -> dict[str, str]:
    return {"DOC": doc, "EVENT": event, "ASSET": asset, "GROUP": group}


SCENES: tuple[Scene, ...] = (
    Scene(
        (
            "ana: Good morning, everyone. Welcome to the first meeting this week.",
            "ana: My name is Ana and I work with the customers.",
            "ben: Good morning, Ana. My name is Ben and I work with the supplier.",
            "carl: Hello, this is Carl. I look at the website and the database.",
            "dora: Hello, everyone. I am Dora, and I have the budget with me.",
            "ana: Nice to meet you, Dora. First we will talk about the budget, then about the website.",
            "ana: After lunch we can look at the machines in the warehouse.",
        ),
        _about("budget", "review", "office", "company"),
        312,
    ),
    Scene(
        (
            "dora: Sorry, I must visit a customer now.",
            "dora: I hope I can be with you again at the end of the meeting.",
            "ana: Of course, Dora. Thank you for the new budget.",
            "ben: Goodbye, Dora. See you after lunch.",
            "ana: Let us look at the website now. Carl, what do you think about it?",
        ),
        _about("draft", "test", "website", "customer"),
        255,
        absent="dora",
    ),
    Scene(
        ("ana: The next problem is the contract with our supplier. Ben, please explain it.",),
        _about("contract", "call", "product", "supplier"),
        85,
        absent="dora",
        music=True,
    ),
    Scene((), _about("contract", "call", "product", "supplier"), 150, absent="dora"),
    Scene(
        ("ana: Let us talk about the training for the new team.",),
        _about("plan", "training", "phone", "team"),
        210,
        absent="dora",
    ),
    Scene(
        (
            "ana: We need more time for this, and you all look tired.",
            "ana: We will start again in three minutes.",
            "carl: Good idea. Thanks, Ana.",
        ),
        absent="dora",
        silence=180,
    ),
    Scene(
        ("ana: Okay, we can start again now. Where are the machines from the warehouse, Ben?",),
        _about("list", "visit", "warehouse", "manager"),
        240,
        absent="dora",
    ),
    Scene(
        ("carl: I want to talk about the database. It is late, and that is expensive.",),
        _about("report", "release", "database", "company"),
        220,
        absent="dora",
    ),
    Scene((), _about("summary", "release", "system", "customer"), 80, absent="dora", music=True),
    Scene(
        ("ben: There is a problem with the schedule. Somebody has to look at it this week.",),
        _about("schedule", "presentation", "model", "team"),
        165,
        absent="dora",
    ),
    Scene(
        (
            "dora: Hello again, everyone. Sorry, the call was long.",
            "ana: Welcome, Dora. You are not late. We have five minutes more.",
            "ana: Dora, can we talk about the invoice from the supplier?",
        ),
        _about("invoice", "review", "machine", "supplier"),
        270,
    ),
    Scene(
        (
            "ana: Okay, we are at the end. Ben will send the contract to the supplier by Friday.",
            "ana: Carl will test the website before the next meeting, and Dora will change the budget.",
            "dora: Yes, I will send it to you tomorrow morning.",
            "ben: Yes, please. When will we meet again?",
            "ana: On Tuesday, after lunch. Thank you for your time.",
            "carl: Thanks, Ana. See you on Tuesday.",
            "dora: Goodbye, everyone. It was good to see you.",
            "ben: See you next week.",
        ),
    ),
)


@cache
def script() -> tuple[Turn, ...]:
    """The whole meeting, in the order of speaking."""
    rng = random.Random(_SEED)
    return tuple(turn for index in range(len(SCENES)) for turn in _play(index, rng))


def held_out() -> frozenset[str]:
    """The sample's sentences of more than three words, as `normalised` writes them: not to be trained on."""
    all_of_them = (normalised(s) for turn in script() for s in turn.sentences)
    return frozenset(s for s in all_of_them if len(s.split()) > 3)


def normalised(sentence: str) -> str:
    """Lower case, without punctuation: two sentences that sound the same are the same."""
    return " ".join(lexicon.plain(sentence)).lower()


def _play(index: int, rng: random.Random) -> Iterator[Turn]:
    scene = SCENES[index]
    present = [p for p in PEOPLE if p != scene.absent]
    last, text, used = "", "", 0.0
    for line in scene.lines:
        last, text = line.split(": ", 1)
        yield Turn(last, tuple(s.strip() for s in lexicon.split_sentences(text)), index)
        used += _estimate(text)
    while scene.topic and used < scene.seconds:
        speaker = _next_speaker(present, last, text, rng)
        text = _say("REPLY" if text.endswith("?") else "MOVE", speaker, present, scene.topic, rng)
        yield Turn(speaker, tuple(s.strip() for s in lexicon.split_sentences(text)), index)
        used, last = used + _estimate(text), speaker
        if len(text.split()) > 12 and rng.random() < 0.35:
            listener = rng.choice([p for p in present if p != speaker])
            yield Turn(listener, (rng.choice(_NODS),), index, aside=True)


def _next_speaker(present: list[str], last: str, text: str, rng: random.Random) -> str:
    """Whoever was asked by name, else somebody else than the last one."""
    asked = [p for p in present if p != last and text.endswith("?") and p.capitalize() in lexicon.plain(text)]
    others = asked or [p for p in present if p != last]
    return rng.choices(others, [_TALKATIVE[p] for p in others])[0]


def _say(rule: str, speaker: str, present: list[str], topic: dict[str, str], rng: random.Random) -> str:
    """A turn in which nobody calls themselves by name, and nobody present is said not to be here."""
    wrong = (*_COMMON, *(f"{p} is not here" for p in present))
    while True:
        text = lexicon.turn(rule, rng, topic)
        words = normalised(text)
        if speaker not in words.split() and not any(w in words for w in wrong):
            return text


def _estimate(text: str) -> float:
    """About how many seconds a turn takes, with the pause after it."""
    return len(text.split()) / 3.2 + 0.35 * (text.count(".") + text.count("?")) + 0.45
