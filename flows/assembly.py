"""The pieces of a finished run put together: the transcript that is published, and the outcome that is returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from flows.chunks import Worked, all_manifests
from flows.outcome import Outcome
from flows.preparation import Run
from tasks.intervals import Span, clip, total_s
from tasks.records import ChunkReport, Recording, RunFacts, Segment, Speaker, Transcript, Turn, Word
from tasks.work import Manifest


def assembled(
    recording: Recording,
    run: Run,
    done: Sequence[Worked],
    seams: Manifest,
    merged: Manifest,
    *,
    run_id: str,
    language: str | None,
    confidence: float | None,
    speech_s: float,
    wall_s: float,
) -> Transcript:
    """Everything that is published about a recording."""
    found = run.place.store.get_json(merged["artifacts"]["transcript"])
    facts = RunFacts(
        run_id=run_id,
        status="partial" if any(w.error for w in done) else "complete",
        profile=run.settings.profile,
        models=run.models,
        settings=run.settings.result_facts(),
        settings_digest=run.settings.digest(),
        pipeline_version=version("daylong"),
        processed_at=datetime.now(UTC).isoformat(),
        wall_s=wall_s,
        language=language,
        language_confidence=confidence,
        speech_s=speech_s,
    )
    return Transcript(
        recording=recording,
        run=facts,
        words=tuple(Word(**w) for w in found["words"]),
        segments=tuple(Segment(**s) for s in found["segments"]),
        turns=tuple(Turn(**t) for t in found["turns"]),
        speakers=tuple(Speaker(**{**s, "embedding": tuple(s["embedding"])}) for s in found["speakers"]),
        chunks=tuple(_report(w, language, seams) for w in done),
    )


def _report(worked: Worked, language: str | None, seams: Manifest) -> ChunkReport:
    # A seam stands in the row of the chunk that begins there, all channels together.
    report = worked.report(language)
    wordless = clip([Span(*s) for s in seams["facts"]["wordless"]], worked.chunk.core)
    report = replace(report, seam_redecoded_s=total_s(wordless))
    own = [seam for seam in seams["facts"]["seams"] if seam["right"] == report.index]
    return replace(report, seam_kept=sum(s["kept"] for s in own), seam_dropped=sum(s["dropped"] for s in own))


def outcome(transcript: Transcript, run: Run, done: Sequence[Worked], exports: str, *, engine_calls: int) -> Outcome:
    """What the run came to."""
    steps = list(all_manifests(done))
    recording, facts = transcript.recording, transcript.run
    return {
        "recording_id": recording.recording_id,
        "source_name": recording.source_name,
        "status": facts.status,
        "out": str(run.out),
        "exports": exports,
        "duration_s": recording.duration_s,
        "speech_s": facts.speech_s,
        "wall_s": facts.wall_s,
        "num_words": len(transcript.words),
        "num_speakers": transcript.num_speakers,
        "num_chunks": len(done),
        "chunks_failed": sum(w.error is not None for w in done),
        "errors": [f"chunk {w.chunk.index}: {w.error}" for w in done if w.error],
        "language": facts.language,
        "engine_calls": engine_calls,
        "steps": len(steps),
        "steps_cached": sum(cached for _, cached in steps),
        "speakers": [
            {"speaker": s.label, "turn_s": s.turn_s, "num_words": s.num_words, "num_segments": s.num_segments}
            for s in transcript.speakers
        ],
    }
