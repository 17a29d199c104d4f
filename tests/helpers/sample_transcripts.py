"""Transcripts for tests: a small meeting, silence, and (for Hypothesis) anything that could have been said."""

from __future__ import annotations

import dataclasses

from hypothesis import strategies as st

from tasks.intervals import Span
from tasks.records import (
    UNKNOWN,
    ChunkReport,
    Part,
    Recording,
    RunFacts,
    Segment,
    Speaker,
    StepCost,
    Transcript,
    Turn,
    Word,
)
from tests.helpers.sample_words import make_word

HOSTILE = [
    "-->",
    "00:00:01,000 --> 00:00:02,000",
    "00:00:01.000 --> 00:00:02.000",
    "<script>alert(1)</script>",
    "<v SPEAKER_99>",
    "</v>",
    "&lt;b&gt;&amp;",
    "{\\an8}",
    "one\n\n2\n00:00:03,000 --> 00:00:04,000\nthree",
    "\r\n",
    "nul\x00byte",
    "\u202egnirts\u202c",
    "\u200fשלום\u200f",
    'a,b;c\t"d"',
    "NOTE",
    "WEBVTT",
    ";; comment",
    "12",
    "\u2028",
    "lone\ud800half",
    "日本語",
    "",
]


def make_recording_row(
    recording_id: str = "meeting-0a1b2c3d", duration_s: float = 60.0, **changes: object
) -> Recording:
    facts = Recording(
        recording_id=recording_id,
        path="/inbox/meeting.flac",
        source_name="meeting.flac",
        sha256="0a1b2c3d" * 8,
        size_bytes=5_000_000_000,
        duration_s=duration_s,
        sample_rate_hz=16000,
        channels=1,
        codec="flac",
        parts=(Part("meeting.flac", "0a1b2c3d" * 8, 0.0, duration_s),),
        recorded_at="2024-05-01T00:30:00+02:00",
        recorded_at_source="name",
        timezone="Europe/Berlin",
    )
    return dataclasses.replace(facts, **changes)


def make_run(run_id: str = "run-1", **changes: object) -> RunFacts:
    facts = RunFacts(
        run_id=run_id,
        status="complete",
        profile="demo",
        models={"transcription": "tiny", "embedding": "small"},
        settings={"transcription": {"beam_size": 5}},
        settings_digest="ff" * 32,
        pipeline_version="0.1.0",
        processed_at="2024-05-02T10:00:00+00:00",
        wall_s=12.5,
        language="en",
        language_confidence=0.98,
        speech_s=20.0,
    )
    return dataclasses.replace(facts, **changes)


def make_transcript(
    said: list[tuple[float, str | None, list[str]]],
    *,
    of: Recording | None = None,
    by: RunFacts | None = None,
    word_s: float = 0.4,
) -> Transcript:
    """A transcript of (start, speaker, words) a segment; each word takes `word_s`."""
    of = of or make_recording_row()
    words: list[Word] = []
    segments: list[Segment] = []
    turns: list[Turn] = []
    for index, (start, speaker, texts) in enumerate(said):
        end = start + word_s * max(1, len(texts))
        for k, text in enumerate(texts):
            at = start + word_s * k
            words.append(
                make_word(at, at + word_s, text, 0.875, speaker, 0.75, False, "1" if speaker else None, index)
            )
        segments.append(Segment(index, start, end, " ".join(texts), len(texts), speaker, 0, 0.9, 0.8, False))
        if speaker:
            turns.append(Turn(start, end, speaker))
    speakers = tuple(
        Speaker(
            label,
            turn_s=sum(t.end_s - t.start_s for t in turns if t.speaker == label),
            num_segments=sum(s.speaker == label for s in segments),
            num_words=sum(w.speaker == label for w in words),
            first_s=min(t.start_s for t in turns if t.speaker == label),
            last_s=max(t.end_s for t in turns if t.speaker == label),
            link_margin=0.3,
            embedding=() if label == UNKNOWN else (0.6, 0.8),
            embedding_model=None if label == UNKNOWN else "small",
        )
        for label in sorted({t.speaker for t in turns})
    )
    chunk = ChunkReport(
        0,
        Span(0.0, of.duration_s),
        Span(0.0, of.duration_s),
        speech_s=20.0,
        language="en",
        num_words=len(words),
        costs={"transcription": StepCost(3.0, 0.5, 700.0, False), "embedding": StepCost(0.0, 0.0, 0.0, True)},
    )
    return Transcript(of, by or make_run(), tuple(words), tuple(segments), tuple(turns), speakers, (chunk,))


def make_meeting(run_id: str = "run-1", **changes: object) -> Transcript:
    """Three people, one of them not told apart; two speak at once; one speaks long."""
    long = ["And", "so", "it", "went", "on", "for", "quite", "some", "time,", "until", "nobody", "listened.", "Then"]
    return make_transcript(
        [
            (1.0, "SPEAKER_00", ["Good", "morning,", "everybody."]),
            (2.0, "SPEAKER_01", ["“Don’t", "worry”:", "3.5%", "rock-n-roll!"]),
            (5.0, "SPEAKER_00", [*long, *long]),
            (50.0, UNKNOWN, ["Hm."]),
        ],
        of=make_recording_row(**changes),
        by=make_run(run_id),
    )


def make_silence(run_id: str = "run-1") -> Transcript:
    return make_transcript([], by=make_run(run_id))


def make_without_diarization() -> Transcript:
    return make_transcript([(1.0, None, ["Good", "morning."]), (4.0, None, ["Yes."])])


texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12), st.from_regex(r"[a-z]{1,9}[.,]?", fullmatch=True))


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Segments of any text, at any time of up to eight days, overlapping or not, out of order or past the end."""
    labels = draw(st.sampled_from([[None], ["SPEAKER_00"], ["SPEAKER_00", "SPEAKER_01", UNKNOWN]]))
    duration = draw(st.floats(1, 8 * 86400))
    starts = st.floats(-1, duration + 1)
    said = draw(
        st.lists(st.tuples(starts, st.sampled_from(labels), st.lists(texts, min_size=1, max_size=30)), max_size=8)
    )
    return make_transcript(said, of=make_recording_row(duration_s=duration), word_s=draw(st.floats(0, 9)))
