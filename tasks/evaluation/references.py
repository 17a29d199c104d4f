"""Reference files of recordings, in the formats that scorers and annotators write.

The file's suffix selects the format, see READERS; `line_formats` and `segment_formats` describe each.
Channels are not distinguished, but in a CTM, which has no speakers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UsageError
from tasks.evaluation.line_formats import read_ctm, read_labels, read_rttm, read_stm, read_uem
from tasks.evaluation.segment_formats import read_seglst, read_textgrid
from tasks.evaluation.utterances import Utterance
from tasks.intervals import Span, merge_spans
from tasks.records import Turn

READERS: dict[str, Callable[[Path], Iterator[tuple[str, Turn | Utterance]]]] = {
    ".rttm": read_rttm,
    ".stm": read_stm,
    ".ctm": read_ctm,
    ".json": read_seglst,
    ".textgrid": read_textgrid,
    ".txt": read_labels,
}
KNOWN = ".rttm, .stm, .ctm, SegLST (.json), .TextGrid and Audacity's labels (.txt)"

_IGNORED = "IGNORE_TIME_SEGMENT_IN_SCORING"


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference of one recording, which the files call `name`."""

    name: str
    turns: tuple[Turn, ...] = ()
    """From RTTM if given, else from the utterances; empty if the files name no speakers."""
    utterances: tuple[Utterance, ...] = ()
    regions: tuple[Span, ...] | None = None
    """Scored regions; None where no UEM names any."""
    ignored: tuple[Span, ...] = ()
    """Spans that the STM excludes from scoring."""


def read_references(paths: Iterable[Path], uem: Path | None = None) -> dict[str, Reference]:
    """References by the name that they give their recording.

    Raises UsageError, with file and line, for a file that cannot be read or is in no known format.
    """
    turns: dict[str, list[Turn]] = defaultdict(list)
    utterances: dict[str, list[Utterance]] = defaultdict(list)
    ignored: dict[str, list[Span]] = defaultdict(list)
    for path in paths:
        read = READERS.get(path.suffix.lower())
        if read is None:
            raise UsageError(f"{path}: no known reference; known are {KNOWN} (regions: --uem FILE.uem).")
        for name, entry in read(path):
            if isinstance(entry, Turn):
                turns[name].append(entry)
            elif entry.text.upper() == _IGNORED:
                ignored[name].append(entry.span)
            else:
                utterances[name].append(entry)
    regions: dict[str, list[Span]] = defaultdict(list)
    for name, region in read_uem(uem) if uem else ():
        regions[name].append(region)
    return {
        name: Reference(
            name,
            turns=tuple(turns[name] or [Turn(u.start_s, u.end_s, u.speaker) for u in utterances[name] if u.speaker]),
            utterances=tuple(u for u in utterances[name] if u.text),
            regions=tuple(merge_spans(regions[name])) if regions[name] else None,
            ignored=tuple(merge_spans(ignored[name])),
        )
        for name in sorted({*turns, *utterances})
    }
