"""The text of the museum's meeting, read from `museum_meeting.txt` into turns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.recipes.natural_voices import printed

_LINE = re.compile(r"([<+] )?([A-Z]+): (.+)")
_MARK = re.compile(r"\[(break (?P<seconds>\d+)|(?P<music>music)|(?P<quiet>music ends))\]")
_PLACES = {None: "after", "< ": "early", "+ ": "inside"}


@dataclass(frozen=True)
class Turn:
    """What one person says at a stretch.

    `place`: "after" the turn above, "early" (before that one ends) or "inside" it. `pause_s`: silence before it that
    the text asks for. `music`: music plays under it.
    """

    speaker: str
    sentences: tuple[str, ...]
    place: str = "after"
    pause_s: float = 0.0
    music: bool = False


@cache
def read_script() -> tuple[Turn, ...]:
    """The turns in the order of speaking. Raises ValueError for a line of no form that the file's head names."""
    turns: list[Turn] = []
    pause, music = 0.0, False
    for line in Path(__file__).with_name("museum_meeting.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if mark := _MARK.fullmatch(line):
            pause = float(mark["seconds"] or pause)
            music = bool(mark["music"]) or (music and not mark["quiet"])
        elif said := _LINE.fullmatch(line):
            sentences = tuple(re.split(r"(?<=[.?!]) ", said[3]))
            turns.append(Turn(said[2].lower(), sentences, _PLACES[said[1]], pause, music))
            pause = 0.0
        else:
            raise ValueError(f"museum_meeting.txt: not a line of the script: {line!r}")
    return tuple(turns)


def words(sentences: tuple[str, ...]) -> list[str]:
    """Lower case, without punctuation; apostrophes stay.

    >>> words(("It's (Gracias|ɡɾˈasjas), isn't it?",))
    ["it's", 'gracias', "isn't", 'it']
    """
    return re.findall(r"[\w']+", " ".join(printed(s) for s in sentences).lower())
