"""How often subtitles break a broadcaster's rules: broken rules per 1,000 cues, by who made the cues.

Makers: Daylong's own cues (`plain`, and the profile's optimiser); a greedy filler, which puts words into a cue until
it is full, and shows it while they are said; the same cues with the optimiser's times; and the recogniser's segments,
a cue each. What `spoken too fast` counts is broken by the speech itself: reading all that is said, by anybody, while
the cue's words are said takes longer than that, less the gap after it. All else is `avoidable`.

Recordings: the bundled round table, by the words and times of its script; a generated day of 200,000 words; and, with
--tables DIR, every recording published there. --quick: an hour of the day.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.canonical import apply_speaker_names
from tasks.exports.cue_timing import Cue
from tasks.exports.cues import build_cues_with_gaps
from tasks.exports.subtitles.atoms import Atom, build_streams
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles
from tasks.exports.subtitles.costs import read_atoms
from tasks.exports.subtitles.optimise import assemble
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.subtitles.profile import BBC, NETFLIX, PLAIN, SOCIAL, Limits, SubtitleProfile
from tasks.exports.subtitles.rules import find_broken
from tasks.exports.subtitles.width import count_columns
from tasks.exports.text import to_ms
from tasks.records import Transcript
from tests.benchmarks import frame
from tests.helpers.sample_transcripts import make_recording_row, make_transcript
from tests.helpers.synthetic_day import make_synthetic_day

ROOT = Path(__file__).resolve().parents[2]
PROFILES = (NETFLIX, BBC, SOCIAL)
Maker = Callable[[Transcript, SubtitleProfile], list[Cue]]


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--tables", type=Path, action="append", default=[], metavar="DIR", help="published tables")
    given = parser.parse_args(arguments)
    figures: dict[str, Any] = {}
    for name, transcript in list_transcripts(given.tables, quick=given.quick):
        figures[name] = measure(transcript)
        rows = [
            [f"{profile}: {maker}", one["cues"], *one["per_1000"].values()]
            for profile, makers in figures[name]["profiles"].items()
            for maker, one in makers.items()
        ]
        took = ", ".join(f"{profile} {s:.2f} s" for profile, s in figures[name]["seconds"].items())
        title = f"{name}: {len(transcript.words):,} words; broken rules per 1,000 cues; processor time {took}"
        frame.show(title, ["", "cues", *COLUMNS], rows)
    frame.write(given.json, figures)
    return figures


COLUMNS = ("avoidable", "spoken too fast", "columns", "lines", "short", "long", "gaps", "speed, avoidable")


def measure(transcript: Transcript) -> dict[str, Any]:
    """Figures of one transcript: by profile and maker."""
    seconds: dict[str, float] = {}
    found: dict[str, Any] = {}
    for profile in PROFILES:
        begun = time.process_time()
        build_subtitles(transcript, SubtitleStyle(profile))
        seconds[profile.name] = time.process_time() - begun
        found[profile.name] = {
            name: rate(make(apply_speaker_names(transcript), profile), transcript, profile, shown)
            for name, (make, shown) in MAKERS.items()
        }
    return {"seconds": seconds, "profiles": found}


def rate(
    cues: Sequence[Cue], transcript: Transcript, profile: SubtitleProfile, shown_by: SubtitleProfile | None
) -> dict[str, Any]:
    """Count what cues break, per 1,000; `shown_by`: the profile whose labels or dashes they have, if another."""
    shown = [replace(cue, lines=list_shown_lines(cue, shown_by or profile)) for cue in cues]
    rules: Counter[str] = Counter()
    said = sorted((to_ms(w.start_s), to_ms(w.end_s), w.text) for w in transcript.words)
    limits = profile.limits_of(transcript.run.language)
    for one in find_broken(shown, profile, transcript.run.language):
        rule = {"gap": "gaps", "open gap": "gaps", "overlap": "gaps"}.get(one.rule, one.rule)
        if rule == "speed":
            rule = (
                "spoken too fast" if is_spoken_too_fast(cues[one.cue], said, limits, profile) else "speed, avoidable"
            )
        rules[rule] += 1
    rules["avoidable"] = sum(count for rule, count in rules.items() if rule != "spoken too fast")
    return {"cues": len(cues), "per_1000": {rule: 1000 * rules[rule] / max(1, len(cues)) for rule in COLUMNS}}


def is_spoken_too_fast(
    cue: Cue, said: Sequence[tuple[int, int, str]], limits: Limits, profile: SubtitleProfile
) -> bool:
    """Whether reading all that is said, by anybody, from a cue's first word to the end of its last takes longer than
    that, without the gap that the rules want after it. Two who speak at once have their dashes."""
    first = bisect_left(said, (cue.start_ms,))
    own = said[first : bisect_left(said, (cue.end_ms,))]
    if not own:
        return False
    end_ms = max(end for _, end, _ in own)
    texts = [text for _, _, text in said[first : bisect_left(said, (end_ms,))]]
    dashes = 2 * count_columns(profile.dash) if cue.speakers and profile.speakers == "dash" else 0
    columns = sum(count_columns(text) + 1 for text in texts) - 1 + dashes
    return limits.measure_reading_ms(columns, len(texts)) > end_ms - own[0][0] - profile.gap_ms


def make_plain(transcript: Transcript, profile: SubtitleProfile) -> list[Cue]:
    return list(build_cues_with_gaps(transcript))


def make_optimised(transcript: Transcript, profile: SubtitleProfile) -> list[Cue]:
    return list(build_subtitles(transcript, SubtitleStyle(profile)))


def make_segments(transcript: Transcript, profile: SubtitleProfile) -> list[Cue]:
    return [
        Cue(to_ms(s.start_s), max(to_ms(s.end_s), to_ms(s.start_s) + 1), None, (s.text,))
        for s in transcript.segments
        if s.text.strip()
    ]


def make_greedy(transcript: Transcript, profile: SubtitleProfile) -> list[Cue]:
    """Fill cues; show each from its first word to the end of its last."""
    (atoms,) = build_streams(transcript, profile)
    ends = fill(atoms, profile)
    cues = _assemble(atoms, ends, transcript, profile)
    parts = [atoms[i:j] for i, j in zip([0, *ends], ends, strict=False)]
    spans = [(part[0].start_ms, max(a.end_ms for a in part)) for part in parts]
    return [replace(c, start_ms=a, end_ms=max(b, a + 1)) for c, (a, b) in zip(cues, spans, strict=True)]


def make_greedy_timed(transcript: Transcript, profile: SubtitleProfile) -> list[Cue]:
    (atoms,) = build_streams(transcript, profile)
    return _assemble(atoms, fill(atoms, profile), transcript, profile)


def _assemble(atoms: list[Atom], ends: list[int], transcript: Transcript, profile: SubtitleProfile) -> list[Cue]:
    return assemble(atoms, read_atoms(atoms, profile, to_ms(transcript.recording.duration_s)), ends, profile)


def fill(atoms: Sequence[Atom], profile: SubtitleProfile) -> list[int]:
    """Ends of cues that take words until a line more, a longer time, a pause or another speaker would begin."""
    ends: list[int] = []
    lines, width, first = 1, 0, 0
    for i, atom in enumerate(atoms):
        columns, room = count_columns(atom.text), profile.limits_of(atom.language).columns
        fits = width + columns <= room
        ends_here = i > first and (
            (not fits and lines == profile.lines)
            or atom.speaker != atoms[i - 1].speaker
            or atom.end_ms - atoms[first].start_ms > profile.max_ms
            or atom.start_ms - atoms[i - 1].end_ms > profile.pause_ms
        )
        if ends_here:
            ends.append(i)
            lines, width, first = 1, columns, i
        elif fits or i == first:
            width += columns
        else:
            lines, width = lines + 1, columns
    return [*ends, len(atoms)]


MAKERS: dict[str, tuple[Maker, SubtitleProfile | None]] = {
    "optimiser": (make_optimised, None),
    "plain": (make_plain, PLAIN),
    "greedy filler": (make_greedy, None),
    "greedy, our times": (make_greedy_timed, None),
    "segments": (make_segments, None),
}


def list_transcripts(tables: Sequence[Path], *, quick: bool) -> Iterator[tuple[str, Transcript]]:
    """Yield the recordings by name."""
    yield "round table (its script)", read_round_table()
    for folder in tables:
        from tasks.dataset.read import read_transcript

        for path in sorted(folder.glob("recordings/*/*.parquet")):
            yield path.stem, read_transcript(folder, path.stem)
    size = (8_000, 1.0) if quick else (200_000, 24.0)
    yield f"generated, {size[1]:g} h", make_synthetic_day(size[0], hours=size[1])


def read_round_table() -> Transcript:
    """The bundled round table by its script: who says which words, of the STM, with their times, of the CTM."""
    folder = ROOT / "data" / "samples"
    left = [line.split() for line in (folder / "roundtable.ctm").read_text().splitlines() if line[:1] != ";"]
    said: list[tuple[float, str | None, list[str]]] = []
    times: list[tuple[float, float]] = []
    for line in (folder / "roundtable.stm").read_text().splitlines():
        if line.startswith(";"):
            continue
        _, _, speaker, start, _, _, *texts = line.split()
        for text in texts:
            found = next(w for w in left if w[4].lower() == text.lower() and float(w[2]) >= float(start) - 0.05)
            left.remove(found)
            times.append((float(found[2]), float(found[2]) + float(found[3])))
        said.append((float(start), speaker, texts))
    base = make_transcript(said, of=make_recording_row(duration_s=max(end for _, end in times) + 5))
    words = tuple(replace(w, start_s=a, end_s=b) for w, (a, b) in zip(base.words, times, strict=True))
    own: dict[int, list[float]] = {}
    for word in words:
        own.setdefault(word.segment, []).extend((word.start_s, word.end_s))
    segments = tuple(replace(s, start_s=min(own[s.index]), end_s=max(own[s.index])) for s in base.segments)
    return replace(base, words=words, segments=segments)


if __name__ == "__main__":
    main()
