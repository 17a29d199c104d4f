"""Assemble the results of a run: the transcript that is published, and the outcome that the flow returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version

from flows.recording.chunk_result import ChunkResult, iterate_manifests
from flows.recording.preparation import Run, describe_weights
from flows.reporting.outcome import Outcome
from tasks.contracts import (
    punctuation_facts,
    read_segments,
    read_speakers,
    read_turns,
    read_words,
    seams_facts,
    transcription_facts,
    untranscribed_spans,
)
from tasks.intervals import clip, measure_union_s
from tasks.quality.alarms import format_alarms
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


def assemble_transcript(
    recording: Recording,
    run: Run,
    chunks: Sequence[Chunk],
    results: Sequence[ChunkResult],
    seams: Manifest,
    merged: Manifest,
    *,
    run_id: str,
    language: str | None,
    confidence: float | None,
    speech_s: float,
    wall_s: float,
) -> Transcript:
    """Assemble everything that is published about a recording.

    `merged`, `seams`: the manifests of those steps; `run_id`: the flow run's; `confidence`: of `language`, 0–1;
    `speech_s`: seconds of speech; `wall_s`: seconds that the run took.
    """
    store = run.place.store
    facts = RunFacts(
        run_id=run_id,
        status="partial" if any(w.error or w.incomplete for w in results) else "complete",
        profile=run.settings.profile,
        models=list_used_models(run, results),
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
        chunks=report_chunks(chunks, results, language, seams),
    )


def list_used_models(run: Run, results: Sequence[ChunkResult]) -> dict[str, str]:
    """Name and digest of the weights, by the step that uses them; deferred ones where they were needed."""
    models, deferred = run.models, run.deferred.get("punctuation")
    manifests = [r.manifests["punctuation"] for r in results if "punctuation" in r.manifests]
    if deferred and any(punctuation_facts(m)["punctuated"] for m in manifests):
        models["punctuation"] = describe_weights(deferred)
    return dict(sorted(models.items()))


def report_chunks(
    chunks: Sequence[Chunk], results: Sequence[ChunkResult], language: str | None, seams: Manifest
) -> tuple[ChunkReport, ...]:
    """Build a row for each chunk, summed over its tracks. `language`: for chunks without a language of their own."""
    by_chunk: dict[int, list[ChunkResult]] = {}
    for result in results:
        by_chunk.setdefault(result.chunk.index, []).append(result)
    return tuple(_report_chunk(chunk, by_chunk[chunk.index], language, seams) for chunk in chunks)


def _report_chunk(chunk: Chunk, tracks: Sequence[ChunkResult], language: str | None, seams: Manifest) -> ChunkReport:
    facts = [transcription_facts(w.manifests["transcription"]) for w in tracks if "transcription" in w.manifests]
    longest = max(tracks, key=lambda w: w.chunk.speech_s)
    error = next((w.error for w in tracks if w.error), None)
    # A seam is reported in the row of the chunk that begins there.
    own_seams = [seam for seam in seams_facts(seams)["seams"] if seam["right"] == chunk.index]
    untranscribed = clip(untranscribed_spans(seams), chunk.core)
    return ChunkReport(
        index=chunk.index,
        span=chunk.span,
        core=chunk.core,
        status="failed" if error else "complete" if chunk.speech else "no_speech",
        error=error or next((w.incomplete for w in tracks if w.incomplete), None),
        speech_s=chunk.speech_s,
        language=longest.get_language(language) if chunk.speech else None,
        num_words=sum(f["num_words"] for f in facts),
        seam_kept=sum(s["kept"] for s in own_seams),
        seam_dropped=sum(s["dropped"] for s in own_seams),
        seam_redecoded_s=measure_union_s(untranscribed),
        loops_removed=sum(f["loops_removed"] for f in facts),
        silence_text_removed=sum(f["silence_text_removed"] for f in facts),
        costs={step: _sum_costs(tracks, step) for step in STEPS if any(step in w.manifests for w in tracks)},
    )


def _sum_costs(tracks: Sequence[ChunkResult], step: str) -> StepCost:
    """Sum the cost of one step over all tracks; cached only if it was on every track."""
    costs = [read_step_cost(w.manifests[step], step in w.cached) for w in tracks if step in w.manifests]
    return StepCost(
        seconds=sum(c.seconds for c in costs),
        wait_s=sum(c.wait_s for c in costs),
        peak_mb=max(c.peak_mb for c in costs),
        cached=all(c.cached for c in costs),
    )


def list_languages(transcript: Transcript) -> list[str]:
    """List the languages that words were recognised in, those of most words first."""
    return [code for code, _ in Counter(w.language for w in transcript.words if w.language).most_common()]


def build_outcome(
    transcript: Transcript, run: Run, results: Sequence[ChunkResult], exports: str, *, engine_calls: int
) -> Outcome:
    """Build the flow's return value. `exports`: folder of the transcript files; `engine_calls`: calls of this run."""
    steps, languages = list(iterate_manifests(results)), list_languages(transcript)
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
        # A share of the speech where there are several: a low one is no doubt about the language.
        "language_confidence": None if len(languages) > 1 else facts.language_confidence,
        "languages": languages,
        "alarms": format_alarms(transcript),
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
