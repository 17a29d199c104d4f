"""A recording of four lines by Ada and Bea, its runs and corrections of it, in a home of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from flows.corrections.enter import apply_rows
from flows.report_audio import restore_part_paths
from tasks.canonical import canonical
from tasks.corrections.apply import correct_transcript
from tasks.corrections.facts import Fact, Restore, Voice
from tasks.corrections.recount import recount
from tasks.corrections.store import read_log
from tasks.dataset.read import read_transcript
from tasks.exports import render
from tasks.intervals import Span
from tasks.records import Transcript
from tests.helpers.sample_voices import make_recording, publish_with_names, write_noise

RECORDING = "mon-0a1b2c3d"
SHA256 = "0a1b2c3d" * 8
LINE = "So it is, all day."
FORMATS = ("srt", "json")


class CorrectedRecording:
    """`machine`: what the last run gave, before any correction."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = folder / "home"
        self.out, self.voices = self.home / "out", self.home / "data" / "voices"
        self.store = self.home / "data" / "corrections"
        patch.setenv("DAYLONG_HOME", str(self.home))
        self.out.mkdir(parents=True, exist_ok=True)
        self.sound = folder / "sound.wav"
        if not self.sound.exists():
            write_noise(self.sound)
        self.machine: Transcript | None = None
        self.formats: Sequence[str] = FORMATS

    def run(self, run_id: str, lines: Sequence[str] = (LINE,) * 4, shift: int = 0) -> None:
        made = make_recording("mon", ["Ada", "Bea"], run_id, sound=self.sound, shift=shift)
        self.machine = say(made, lines)
        publish_with_names(self.machine, self.out, self.voices, formats=self.formats)

    def edit(self, line: int, now: str | None, to: int | None = None) -> Fact:
        """A correction of one of the four lines as it is in the tables, as a report makes it."""
        transcript = read_transcript(self.out, RECORDING)
        segment = next(s for s in transcript.segments if 5.0 * line <= s.start_s < 5.0 * line + 5.0)
        voices = {s.label: make_voice(transcript, s.label) for s in transcript.speakers}
        speaker = None if to is None else voices[sorted(voices)[to % len(voices)]]
        was = None if segment.speaker is None else voices[segment.speaker]
        return Fact(
            SHA256, Span(segment.start_s, segment.end_s), was=segment.text, now=now, was_voice=was, voice=speaker
        )

    def apply(self, *rows: Fact | Restore) -> None:
        apply_rows(rows, self.out)

    def read_texts(self) -> list[str]:
        return [s.text for s in read_transcript(self.out, RECORDING).segments]

    def check(self, machine: Transcript) -> None:
        """Tables and exports show the facts of the log on what the machine said, and nothing else."""
        expected = canonical(correct_transcript(machine, read_log(self.store).of(SHA256))[0])
        found = read_transcript(self.out, RECORDING)
        assert [_facts(w) for w in found.words] == [_facts(w) for w in expected.words]
        assert [(s.text, s.speaker) for s in found.segments] == [(s.text, s.speaker) for s in expected.segments]
        assert [(t.start_s, t.end_s, t.speaker) for t in found.turns] == [
            (t.start_s, t.end_s, t.speaker) for t in expected.turns
        ]
        counts = {s.label: (s.num_words, s.num_segments) for s in found.speakers}
        for label, (words, segments) in counts.items():
            assert words == sum(w.speaker == label for w in found.words)
            assert segments == sum(s.speaker == label for s in found.segments)
        folder = self.out / "exports" / RECORDING
        for name, content in render(restore_part_paths(found, folder), self.formats, folder=folder).items():
            assert (folder / name).read_bytes() == (content.encode() if isinstance(content, str) else content)


def make_voice(transcript: Transcript, label: str) -> Voice:
    return Voice(label, tuple(t.span for t in transcript.turns if t.speaker == label))


def say(transcript: Transcript, lines: Sequence[str]) -> Transcript:
    """The transcript whose segments say these lines; an empty one says nothing."""
    words, segments = [], []
    for segment, text in zip(transcript.segments, lines, strict=True):
        said = text.split()
        like = next(w for w in transcript.words if w.segment == segment.index)
        step = (segment.end_s - segment.start_s) / max(1, len(said))
        for k, each in enumerate(said):
            at = segment.start_s + k * step
            words.append(replace(like, start_s=at, end_s=at + step, text=each))
        if said:
            segments.append(replace(segment, text=text, num_words=len(said)))
    return recount(replace(transcript, words=tuple(words), segments=tuple(segments)))


def _facts(word: object) -> tuple[object, ...]:
    return tuple(
        getattr(word, name) for name in ("text", "start_s", "end_s", "speaker", "edited", "times", "segment")
    )
