"""Count what each speaker of a corrected transcript says anew. Pure."""

from __future__ import annotations

from dataclasses import replace

from tasks.records import UNKNOWN, Speaker, Transcript


def recount(transcript: Transcript) -> Transcript:
    """Count each speaker's words, segments and seconds anew; UNKNOWN has a row where somebody is so."""
    labels = {w.speaker for w in transcript.words} | {t.speaker for t in transcript.turns}
    rows = {s.label: s for s in transcript.speakers if s.label != UNKNOWN or UNKNOWN in labels}
    for label in sorted(labels - rows.keys() - {None}, key=str):
        rows[str(label)] = Speaker(str(label), 0.0, 0, 0, 0.0, 0.0)
    return replace(transcript, speakers=tuple(_recount(row, transcript) for row in rows.values()))


def _recount(row: Speaker, transcript: Transcript) -> Speaker:
    own_turns = [t.span for t in transcript.turns if t.speaker == row.label]
    own_words = [w.span for w in transcript.words if w.speaker == row.label]
    spans = own_turns + own_words
    return replace(
        row,
        turn_s=sum((s.duration_s for s in own_turns), 0.0),
        num_words=len(own_words),
        num_segments=sum(s.speaker == row.label for s in transcript.segments),
        first_s=min((s.start_s for s in spans), default=row.first_s),
        last_s=max((s.end_s for s in spans), default=row.last_s),
    )
