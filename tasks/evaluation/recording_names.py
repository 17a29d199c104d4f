"""Join names: which recording a reference or a UEM means, however it spells it.

A name may be the recording's id, with or without its digest, or the recorded file's, with or without its folder and
ending; capitals, punctuation and Unicode's composition are ignored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.errors import UsageError
from tasks.suffixes import SUFFIXES

_DIGEST = re.compile(r"-[0-9a-f]{8}$")
_ENDING = re.compile(
    "(?:" + "|".join(map(re.escape, sorted(SUFFIXES | {".sph", ".nist", ".rttm", ".stm", ".ctm", ".uem"}))) + ")$"
)


@dataclass(frozen=True, slots=True)
class RecordingName:
    """What a recording is called; `source_name` is None where it is not known."""

    recording_id: str
    source_name: str | None = None


def spell(name: str) -> str:
    """A name in the spelling in which names are compared: its folder and its ending left out, too.

    >>> spell("Round Table.WAV"), spell("/data/round_table"), spell("talk.v2")
    ('round-table', 'round-table', 'talk-v2')
    """
    return _simplify(_ENDING.sub("", _get_file_name(name).casefold()))


def find_recordings(name: str, recordings: Iterable[RecordingName]) -> list[str]:
    """Find the ids of the recordings that a name fits best: by its full id, else by the file's whole name, else by
    either without digest and ending.

    >>> there = [RecordingName("talk-0123abcd", "Talk.wav"), RecordingName("talk-4567cdef", "Talk.mp3")]
    >>> find_recordings("talk", there), find_recordings("talk.mp3", there), find_recordings("TALK-0123abcd", there)
    (['talk-0123abcd', 'talk-4567cdef'], ['talk-4567cdef'], ['talk-0123abcd'])
    """
    known, whole, short = list(recordings), _simplify(_get_file_name(name)), spell(name)
    for fits in (
        [r for r in known if _simplify(r.recording_id) in (whole, short)],
        [r for r in known if r.source_name is not None and whole == _simplify(_get_file_name(r.source_name))],
        [r for r in known if short in _list_spellings(r)],
    ):
        if fits:
            return sorted({r.recording_id for r in fits})
    return []


def group_spellings(names: Iterable[str]) -> list[list[str]]:
    """Group names that differ in spelling alone, in the order in which they come.

    >>> group_spellings(["Day 1", "other", "day_1.wav"])
    [['Day 1', 'day_1.wav'], ['other']]
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(spell(name), []).append(name)
    return list(groups.values())


def join_names(names: Iterable[str], recordings: Sequence[RecordingName]) -> tuple[dict[str, list[str]], list[str]]:
    """Join names with recordings: the names of each id, and those that fit none.

    Raises UsageError for a name that fits several recordings equally.
    """
    joined: dict[str, list[str]] = {}
    left_over = []
    for name in dict.fromkeys(names):
        ids = find_recordings(name, recordings)
        if len(ids) > 1:
            raise UsageError(f"{name!r} fits {len(ids)} recordings: {shorten_list(ids)}; name one by its full id.")
        if ids:
            joined.setdefault(ids[0], []).append(name)
        else:
            left_over.append(name)
    return joined, left_over


def shorten_list(names: Iterable[str]) -> str:
    """The first names of a list, for a message."""
    texts = list(names)
    return ", ".join(texts[:8]) + (f", … ({len(texts)})" if len(texts) > 8 else "")


def _list_spellings(recording: RecordingName) -> set[str]:
    names = {_simplify(recording.recording_id), _simplify(_DIGEST.sub("", recording.recording_id))}
    return names if recording.source_name is None else names | {spell(recording.source_name)}


def _get_file_name(name: str) -> str:
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1]


def _simplify(name: str) -> str:
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", name).casefold()).strip("-")
