"""Reference files of recordings, in the formats that scorers and annotators write.

The file's suffix selects the format, see READERS; `line_formats` and `segment_formats` describe each, and
`recording_names` which names mean the same recording. Channels are not distinguished, but in a CTM, which has no
speakers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UsageError
from tasks.evaluation.line_formats import read_ctm, read_labels, read_rttm, read_stm, read_uem
from tasks.evaluation.recording_names import RecordingName, group_spellings, join_names, shorten_list, spell
from tasks.evaluation.segment_formats import read_seglst, read_textgrid
from tasks.evaluation.utterances import Excluded, Remark, Utterance
from tasks.intervals import Span, merge_spans
from tasks.records import Turn

Entry = Turn | Utterance | Excluded | Remark

READERS: dict[str, Callable[[Path], Iterator[tuple[str, Entry]]]] = {
    ".rttm": read_rttm,
    ".stm": read_stm,
    ".ctm": read_ctm,
    ".json": read_seglst,
    ".textgrid": read_textgrid,
    ".txt": read_labels,
}
KNOWN = ".rttm, .stm, .ctm, SegLST (.json), .TextGrid and Audacity's labels (.txt)"


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
    """Spans that the STM or RTTM excludes from scoring."""
    remarks: tuple[str, ...] = ()
    """What was left out of the files, a line each."""

    def __bool__(self) -> bool:
        """Whether there is anything to score."""
        return bool(self.turns or self.utterances)


@dataclass(frozen=True, slots=True)
class SideFiles:
    """What reference files and a UEM hold, by the name that each gives its recording, before names are joined."""

    entries: Mapping[str, Sequence[Entry]]
    regions: Mapping[str, Sequence[Span]]
    uem: Path | None = None

    def check_content(self) -> None:
        """Raise UsageError where the references hold nothing that can be scored."""
        if not any(isinstance(entry, Turn | Utterance) for own in self.entries.values() for entry in own):
            raise UsageError("the references name no recording: they hold no turns and no utterances.")

    def merge(self, names: Sequence[str], region_names: Iterable[str]) -> Reference:
        """Merge what stands under several spellings of one name; the first is the reference's."""
        entries = [entry for name in names for entry in self.entries[name]]
        utterances = [entry for entry in entries if isinstance(entry, Utterance)]
        turns = [entry for entry in entries if isinstance(entry, Turn)]
        regions = [span for name in region_names for span in self.regions[name]]
        remarks = [entry.text for entry in entries if isinstance(entry, Remark)]
        if self.uem and not regions:
            remarks.append(f"{self.uem} has no regions of {names[0]}: scored as a whole.")
        return Reference(
            names[0],
            turns=tuple(turns or [Turn(u.start_s, u.end_s, u.speaker) for u in utterances if u.speaker]),
            utterances=tuple(u for u in utterances if u.text),
            regions=tuple(merge_spans(regions)) if regions else None,
            ignored=tuple(merge_spans([entry.span for entry in entries if isinstance(entry, Excluded)])),
            remarks=tuple(remarks),
        )


def read_side_files(paths: Iterable[Path], uem: Path | None = None) -> SideFiles:
    """Read references and the UEM. Raises UsageError, with file and line, for a file that cannot be read or is in no
    known format."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    for path in paths:
        read = READERS.get(path.suffix.lower())
        if read is None:
            raise UsageError(f"{path}: no known reference; known are {KNOWN} (regions: --uem FILE.uem).")
        for name, entry in read(path):
            entries[name].append(entry)
    regions: dict[str, list[Span]] = defaultdict(list)
    for name, region in read_uem(uem) if uem else ():
        regions[name].append(region)
    if uem and not regions:
        raise UsageError(f"{uem}: holds no regions; expected file channel start end.")
    return SideFiles(dict(entries), dict(regions), uem)


def read_references(paths: Iterable[Path], uem: Path | None = None) -> dict[str, Reference]:
    """Read references by the name that they give their recording, spellings of one name taken together.

    Raises UsageError as `read_side_files`, and for a UEM's region that belongs to none of them.
    """
    side = read_side_files(paths, uem)
    regions_of = {spell(group[0]): group for group in group_spellings(side.regions)}
    groups = {spell(group[0]): group for group in group_spellings(sorted(side.entries))}
    if strange := [name for key, group in regions_of.items() if key not in groups for name in group]:
        raise UsageError(f"{uem}: regions of {shorten_list(strange)}; the references name {_list_names(side)}.")
    merged = {group[0]: side.merge(group, regions_of.get(key, ())) for key, group in groups.items()}
    return {name: reference for name, reference in merged.items() if reference}


def join_references(side: SideFiles, recordings: Sequence[RecordingName], where: Path) -> list[tuple[str, Reference]]:
    """Join side files with the recordings in the folder `where`: each recording's id and reference.

    Raises UsageError for names that fit no recording, or several, and for references without turns and utterances.
    """
    side.check_content()
    there = shorten_list(r.recording_id for r in recordings) or "no recordings at all"
    names, strange = join_names(sorted(side.entries), recordings)
    if strange:
        raise UsageError(f"{where} has no recording called {shorten_list(strange)}; there: {there}.")
    joined = [
        (one, side.merge(names[one], own)) for one, own in _join_regions(side, names, recordings, there).items()
    ]
    return [(one, reference) for one, reference in joined if reference]


def join_single(side: SideFiles, recording: RecordingName, where: Path) -> Reference:
    """Join side files with one recording's exports: a single reference belongs to it, whatever its name.

    Raises UsageError where several names fit neither it nor each other.
    """
    side.check_content()
    joined, strange = join_names(sorted(side.entries), [recording])
    groups = group_spellings(strange)
    if not joined and len(groups) == 1:
        joined, groups = {recording.recording_id: groups[0]}, []
    if groups:
        raise UsageError(f"{where}: no reference for {recording.recording_id}; they name {_list_names(side)}.")
    regions = _join_regions(side, joined, [recording], recording.recording_id)
    return side.merge(joined[recording.recording_id], regions[recording.recording_id])


def _join_regions(
    side: SideFiles, names: Mapping[str, Sequence[str]], recordings: Sequence[RecordingName], there: str
) -> dict[str, list[str]]:
    """Find the UEM's names of each recording that has a reference. Raises UsageError for those of no recording."""
    found: dict[str, list[str]] = {one: [] for one in names}
    strange = []
    for name in side.regions:
        exact = [one for one, own in names.items() if name in own]
        alike = [one for one, own in names.items() if spell(name) in map(spell, own)]
        # A reference may be joined by other means than its name: the only one of a recording's exports.
        fits = exact or (alike if len(alike) == 1 else join_names([name], recordings)[0])
        strange += [] if fits else [name]
        for one in found.keys() & fits:
            found[one].append(name)
    if strange:
        raise UsageError(
            f"{side.uem}: regions of {shorten_list(strange)}, which is no recording; the references name "
            f"{_list_names(side)}, the recordings are {there}."
        )
    return found


def _list_names(side: SideFiles) -> str:
    return shorten_list(sorted(side.entries))
