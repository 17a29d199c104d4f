"""References of a line for each turn, utterance, word or region.

RTTM, a turn a line (NIST RT-09), the columns after the speaker optional; NOSCORE and NO_RT_METADATA exclude a
stretch, lines of NIST's other types are passed over:
    SPEAKER <file> <channel> <start> <duration> <NA> <NA> <speaker> [<confidence> [<lookahead>]]
STM, an utterance a line (NIST SCTK), the label optional, comments begin with ;;, see `nist_text` for the words:
    <file> <channel> <speaker> <start> <end> <label> word word …
CTM, a word a line (NIST SCTK), the confidence optional:
    <file> <channel> <start> <duration> <word> [<confidence>]
UEM, a scored region a line (NIST):
    <file> <channel> <start> <end>
Audacity's labels, parted by tabs; lines that begin with a backslash tell of frequencies:
    <start> <end> <speaker>[: word word …]
Labels name no recording: the file's stem does. The columns of NIST's formats are parted by blanks, so that no name
may hold one: a line with too many columns, or with other values where constants stand, is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import UsageError
from tasks.evaluation.nist_text import EXCLUDED_SPEAKER, GAP_SPEAKER, IGNORED_TEXT, OptionalWords, refuse_alternations
from tasks.evaluation.utterances import Excluded, Remark, Utterance
from tasks.intervals import Span
from tasks.paths import suggest_path
from tasks.records import Turn

_LABEL = re.compile(r"^<[^<>]*>\s*")
_SHIFTED_LABEL = re.compile(r"^[\d.]+\s+<[^<>]*>")
"""What stands in the text's place where the speaker's name holds a blank and a number."""
_NOT_GIVEN = "<NA>"
_UNSCORED_TYPES = ("NOSCORE", "NO_RT_METADATA")
_OTHER_TYPES = {"SEGMENT", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT", "IP", "SU", "CB", "A/P", "SPKR-INFO"}
_NO_BLANKS = "no name may hold a blank"


def read_rttm(path: Path) -> Iterator[tuple[str, Turn | Excluded]]:
    """Read each turn, and each stretch excluded from scoring, of an RTTM file with its recording's name."""
    for where, fields in _read_lines(path):
        kind = fields[0]
        if kind != "SPEAKER" and kind not in _UNSCORED_TYPES and kind not in _OTHER_TYPES:
            raise UsageError(f"{where}: {kind!r} is no type of RTTM; turns begin with SPEAKER.")
        if kind == "SPEAKER":
            yield _parse_speaker_line(fields, where)
        elif kind in _UNSCORED_TYPES:
            if len(fields) < 5:
                raise UsageError(f"{where}: expected {kind} file channel start duration.")
            start, length = parse_seconds(fields[3], where), parse_seconds(fields[4], where)
            yield fields[1], Excluded(start, start + length)


def _parse_speaker_line(fields: list[str], where: str) -> tuple[str, Turn]:
    expected = "expected SPEAKER file channel start duration <NA> <NA> speaker [confidence [lookahead]]"
    if not 8 <= len(fields) <= 10:
        raise UsageError(f"{where}: {len(fields)} columns; {expected}; {_NO_BLANKS}.")
    for field, may_be_number in ((fields[5], False), (fields[6], False), *((f, True) for f in fields[8:])):
        if field.upper() != _NOT_GIVEN and not (may_be_number and _is_number(field)):
            raise UsageError(f"{where}: {field!r} in place of <NA>; {expected}; {_NO_BLANKS}.")
    if len(fields) > 8 and _is_number(fields[8]) and not 0 <= float(fields[8]) <= 1:
        raise UsageError(f"{where}: {fields[8]!r} is no confidence of 0–1; {expected}; {_NO_BLANKS}.")
    start, length = parse_seconds(fields[3], where), parse_seconds(fields[4], where)
    return fields[1], Turn(start, start + length, fields[7])


def read_stm(path: Path) -> Iterator[tuple[str, Utterance | Excluded | Remark]]:
    """Read each utterance of an STM file with its recording's name."""
    optional = OptionalWords(path)
    for where, fields in _read_lines(path, at_most=5):
        if len(fields) < 5:
            raise UsageError(f"{where}: expected file channel speaker start end <label> words.")
        start, end = parse_interval(fields[3], fields[4], where)
        name, speaker, rest = fields[0], fields[2], fields[5] if len(fields) > 5 else ""
        if _SHIFTED_LABEL.match(rest):
            raise UsageError(f"{where}: expected file channel speaker start end <label> words; {_NO_BLANKS}.")
        text = _LABEL.sub("", rest).strip()
        if text.upper() == IGNORED_TEXT or speaker.lower() == EXCLUDED_SPEAKER:
            yield name, Excluded(start, end)
        elif speaker.lower() != GAP_SPEAKER:
            refuse_alternations(text, where)
            yield name, Utterance(start, end, speaker, optional.remove(name, text))
        elif text:
            raise UsageError(f"{where}: {speaker} stands for a gap between segments, and a gap has no words.")
    yield from optional.remarks()


def read_ctm(path: Path) -> Iterator[tuple[str, Utterance | Remark]]:
    """Each word with its recording's name. CTM has no speakers: where a recording has words on several channels, each
    is one."""
    words = []
    optional = OptionalWords(path)
    for where, fields in _read_lines(path):
        if any(field.upper().startswith("<ALT") for field in fields):
            raise UsageError(f"{where}: alternative words (<ALT_BEGIN>) are not supported; keep one of them.")
        if len(fields) not in (5, 6):
            raise UsageError(f"{where}: expected file channel start duration word [confidence]; {_NO_BLANKS}.")
        if len(fields) == 6 and fields[5].upper() not in (_NOT_GIVEN, "NA") and not _is_number(fields[5]):
            raise UsageError(f"{where}: {fields[5]!r} is no confidence; expected file channel start duration word "
                             f"[confidence].")  # fmt: skip
        start, length = parse_seconds(fields[2], where), parse_seconds(fields[3], where)
        words.append((fields[0], fields[1], start, start + length, optional.remove(fields[0], fields[4])))
    channels: dict[str, set[str]] = {}
    for name, channel, *_ in words:
        channels.setdefault(name, set()).add(channel)
    for name, channel, start, end, word in words:
        yield name, Utterance(start, end, f"channel {channel}" if len(channels[name]) > 1 else "", word)
    yield from optional.remarks()


def read_labels(path: Path) -> Iterator[tuple[str, Utterance]]:
    """Read each label of an Audacity label file, with the file's stem as the recording's name."""
    for where, fields in _read_lines(path, separator="\t", at_most=2):
        if fields[0].startswith("\\"):
            continue
        if len(fields) < 3 or not fields[2].strip():
            raise UsageError(f"{where}: expected start, end and speaker or speaker: words, parted by tabs.")
        start, end = parse_interval(fields[0], fields[1], where)
        speaker, _, text = fields[2].strip().partition(":")
        yield path.stem, Utterance(start, end, speaker.strip(), text.strip())


def read_uem(path: Path) -> Iterator[tuple[str, Span]]:
    """Read each scored region of a UEM file with its recording's name."""
    for where, fields in _read_lines(path):
        if len(fields) != 4:
            raise UsageError(f"{where}: expected file channel start end; {_NO_BLANKS}.")
        yield fields[0], Span(*parse_interval(fields[2], fields[3], where))


def read_text(path: Path) -> str:
    """Read a reference file as UTF-8 text. Raises UsageError where it is missing or not text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file. {suggest_path(path)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as UTF-8 text ({error}).") from None


def parse_seconds(value: object, where: str) -> float:
    """Parse a time in seconds. Raises UsageError for anything else."""
    try:
        time_s = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        time_s = math.nan
    if not 0 <= time_s < math.inf:
        raise UsageError(f"{where}: {value!r} is not a time in seconds.")
    return time_s


def parse_interval(start: object, end: object, where: str) -> tuple[float, float]:
    """Parse a start and an end in seconds. Raises UsageError where they are malformed or in the wrong order."""
    first, last = parse_seconds(start, where), parse_seconds(end, where)
    if last < first:
        raise UsageError(f"{where}: ends at {end}, before it starts at {start}.")
    return first, last


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _read_lines(path: Path, separator: str | None = None, at_most: int = -1) -> Iterator[tuple[str, list[str]]]:
    """Read each line that is not empty: "file:line", and its fields, split at most `at_most` times."""
    # Not splitlines(): text may hold U+2028 and its like, which end no line of these formats.
    for number, line in enumerate(read_text(path).replace("\r\n", "\n").split("\n"), start=1):
        fields = line.split(separator, at_most)
        if line.strip() and not fields[0].startswith(";;"):
            yield f"{path}, line {number}", fields
