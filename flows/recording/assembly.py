"""The pieces of a finished run put together: the transcript that is published, and the outcome that is returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from flows.recording.chunks import Worked, all_manifests
from flows.recording.preparation import Run
from flows.reporting.outcome import Outcome
from tasks.contracts import (
    read_segments,
    read_speakers,
    read_turns,
    read_words,
    seams_facts,
    transcription_facts,
    untranscribed_spans,
)
from tasks.intervals import clip, measure_union_s
from tasks.records import (
    STEPS,
    Chunk,
    ChunkReport,
    Recording,
    RunFacts,
    StepCost,
    Transcript,
)
from tasks.step import Manifest, read_step_cost


def assembled(
    recording: Recording,
    run: Run,
    chunks: Sequence[Chunk],
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
    store = run.place.store
    facts = RunFacts(
        run_id=run_id,
        status="partial" if any(w.error or w.unheard for w in done) else "complete",
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
        words=tuple(read_words(store, merged)),
        segments=tuple(read_segments(store, merged)),
        turns=tuple(read_turns(store, merged)),
        speakers=tuple(replace(s, embedding=tuple(s.embedding)) for s in read_speakers(store, merged)),
        chunks=reports(chunks, done, language, seams),
    )


def reports(
    chunks: Sequence[Chunk], done: Sequence[Worked], language: str | None, seams: Manifest
) -> tuple[ChunkReport, ...]:
    """A row for each chunk, all its tracks together; `language`: the recording's."""
    by_chunk: dict[int, list[Worked]] = {}
    for worked in done:
        by_chunk.setdefault(worked.chunk.index, []).append(worked)
    return tuple(_report(chunk, by_chunk[chunk.index], language, seams) for chunk in chunks)


def _report(chunk: Chunk, tracks: Sequence[Worked], language: str | None, seams: Manifest) -> ChunkReport:
    facts = [transcription_facts(w.manifests["transcription"]) for w in tracks if "transcription" in w.manifests]
    most = max(tracks, key=lambda w: w.chunk.speech_s)
    error = next((w.error for w in tracks if w.error), None)
    # A seam stands in the row of the chunk that begins there.
    own = [seam for seam in seams_facts(seams)["seams"] if seam["right"] == chunk.index]
    wordless = clip(untranscribed_spans(seams), chunk.core)
    return ChunkReport(
        index=chunk.index,
        span=chunk.span,
        core=chunk.core,
        status="failed" if error else "complete" if chunk.speech else "no_speech",
        error=error or next((w.unheard for w in tracks if w.unheard), None),
        speech_s=chunk.speech_s,
        language=most.language(language) if chunk.speech else None,
        num_words=sum(f["num_words"] for f in facts),
        seam_kept=sum(s["kept"] for s in own),
        seam_dropped=sum(s["dropped"] for s in own),
        seam_redecoded_s=measure_union_s(wordless),
        loops_removed=sum(f["loops_removed"] for f in facts),
        silence_text_removed=sum(f["silence_text_removed"] for f in facts),
        costs={step: _cost(tracks, step) for step in STEPS if any(step in w.manifests for w in tracks)},
    )


def _cost(tracks: Sequence[Worked], step: str) -> StepCost:
    """Of one step, all tracks together; it came from the cache if it did on every one."""
    costs = [read_step_cost(w.manifests[step], step in w.cached) for w in tracks if step in w.manifests]
    return StepCost(
        seconds=sum(c.seconds for c in costs),
        wait_s=sum(c.wait_s for c in costs),
        peak_mb=max(c.peak_mb for c in costs),
        cached=all(c.cached for c in costs),
    )


def outcome(transcript: Transcript, run: Run, done: Sequence[Worked], exports: str, *, engine_calls: int) -> Outcome:
    """What the run came to."""
    steps = list(all_manifests(done))
    recording, facts = transcript.recording, transcript.run
    return {
        "recording_id": recording.recording_id,
        "run_id": facts.run_id,
        "source_name": recording.source_name,
        "status": facts.status,
        "out": str(run.out),
        "exports": exports,
        "duration_s": recording.duration_s,
        "speech_s": facts.speech_s,
        "wall_s": facts.wall_s,
        "num_words": len(transcript.words),
        "num_speakers": transcript.num_speakers,
        "num_chunks": len(transcript.chunks),
        "chunks_failed": sum(c.status == "failed" for c in transcript.chunks),
        "errors": [f"chunk {c.index}: {c.error}" for c in transcript.chunks if c.error],
        "language": facts.language,
        "engine_calls": engine_calls,
        "steps": len(steps),
        "steps_cached": sum(cached for _, cached in steps),
        "speakers": [
            {
                "speaker": s.label,
                "name": s.name,
                "maybe": s.maybe_name or s.maybe_voice_id,
                "turn_s": s.turn_s,
                "num_words": s.num_words,
                "num_segments": s.num_segments,
            }
            for s in transcript.speakers
        ],
    }
