"""What people say is in a recording: reference files in the formats that scorers read.

RTTM, a turn a line (NIST RT-09), the columns after the speaker optional:
    SPEAKER <file> <channel> <start> <duration> <NA> <NA> <speaker> …
STM, an utterance a line (NIST SCTK), the label optional, comments begin with ;;:
    <file> <channel> <speaker> <start> <end> <label> word word …
UEM, a scored region a line (NIST):
    <file> <channel> <start> <end>
Channels are not told apart. Lines of other types in an RTTM file are passed over.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UsageError
from tasks.intervals import Span, tidy
from tasks.records import Turn

_LABEL = re.compile(r"^<[^<>]*>\s*")
_IGNORED = "IGNORE_TIME_SEGMENT_IN_SCORING"


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words of one speaker; times in seconds."""

    start_s: float
    end_s: float
    speaker: str
    text: str

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Reference:
    """All that the reference files say about the recording that they call `name`."""

    name: str
    turns: tuple[Turn, ...] = ()
    """From RTTM where there is one, else the utterances' times."""
    utterances: tuple[Utterance, ...] = ()
    regions: tuple[Span, ...] | None = None
    """Scored regions; None where no UEM names any."""
    ignored: tuple[Span, ...] = ()
    """What the STM excludes from scoring."""


def read_references(paths: Iterable[Path], uem: Path | None = None) -> dict[str, Reference]:
    """References by the name that they give their recording.

    Raises UsageError, with file and line, for a file that cannot be read or is in no known format.
    """
    turns: dict[str, list[Turn]] = defaultdict(list)
    utterances: dict[str, list[Utterance]] = defaultdict(list)
    ignored: dict[str, list[Span]] = defaultdict(list)
    for path in paths:
        if path.suffix.lower() == ".rttm":
            for name, turn in read_rttm(path):
                turns[name].append(turn)
        elif path.suffix.lower() == ".stm":
            for name, said in read_stm(path):
                if said.text.upper() == _IGNORED:
                    ignored[name].append(said.span)
                else:
                    utterances[name].append(said)
        else:
            raise UsageError(f"{path}: a reference is an .rttm or an .stm file (regions: --uem FILE.uem).")
    regions: dict[str, list[Span]] = defaultdict(list)
    for name, region in read_uem(uem) if uem else ():
        regions[name].append(region)
    return {
        name: Reference(
            name,
            turns=tuple(turns[name] or [Turn(u.start_s, u.end_s, u.speaker) for u in utterances[name]]),
            utterances=tuple(utterances[name]),
            regions=tuple(tidy(regions[name])) if regions[name] else None,
            ignored=tuple(tidy(ignored[name])),
        )
        for name in sorted({*turns, *utterances})
    }


def read_rttm(path: Path) -> Iterator[tuple[str, Turn]]:
    """Each turn with its recording's name."""
    for where, fields in _lines(path):
        if fields[0] != "SPEAKER":
            continue
        if len(fields) < 8:
            raise UsageError(f"{where}: expected SPEAKER file channel start duration <NA> <NA> speaker.")
        start, length = _seconds(fields[3], where), _seconds(fields[4], where)
        yield fields[1], Turn(start, start + length, fields[7])


def read_stm(path: Path) -> Iterator[tuple[str, Utterance]]:
    """Each utterance with its recording's name."""
    for where, fields in _lines(path, at_most=5):
        if len(fields) < 5:
            raise UsageError(f"{where}: expected file channel speaker start end <label> words.")
        start, end = _ordered(fields[3], fields[4], where)
        text = _LABEL.sub("", fields[5]) if len(fields) > 5 else ""
        yield fields[0], Utterance(start, end, fields[2], text.strip())


def read_uem(path: Path) -> Iterator[tuple[str, Span]]:
    """Each scored region with its recording's name."""
    for where, fields in _lines(path):
        if len(fields) != 4:
            raise UsageError(f"{where}: expected file channel start end.")
        yield fields[0], Span(*_ordered(fields[2], fields[3], where))


def _lines(path: Path, at_most: int = -1) -> Iterator[tuple[str, list[str]]]:
    """File and number of each line that says something, with its fields, split at most `at_most` times."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file. Check the name of the reference.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as UTF-8 text ({error}).") from None
    # Not splitlines(): text may hold U+2028 and its like, which end no line of these formats.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        fields = line.split(None, at_most)
        if fields and not fields[0].startswith(";;"):
            yield f"{path}, line {number}", fields


def _seconds(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UsageError(f"{where}: {text!r} is not a time in seconds.")
    return value


def _ordered(start: str, end: str, where: str) -> tuple[float, float]:
    first, last = _seconds(start, where), _seconds(end, where)
    if last < first:
        raise UsageError(f"{where}: ends at {end}, before it starts at {start}.")
    return first, last
