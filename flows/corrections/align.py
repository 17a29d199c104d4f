"""Find when the words of corrected texts are said, by the aligner of the settings, in their recordings' sound."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.corrections.enter import find_published
from flows.report_audio import restore_part_paths
from tasks.audio.decode import decode
from tasks.corrections.facts import Fact, Restore
from tasks.corrections.tokens import split_text
from tasks.dataset.publish import EXPORTS_FOLDER
from tasks.dataset.read import read_transcript
from tasks.errors import DaylongError
from tasks.intervals import Span
from tasks.records import Transcript
from tasks.settings.schema import Settings

log = logging.getLogger("daylong.corrections")

PAD_S = 0.3
"""Seconds of sound on both sides of a span: a new first or last word may begin and end there."""

Align = Callable[..., list[list[tuple[float, float, float | None] | None]]]
"""As `tasks.engines.protocols.Aligner.align`: (samples, stretches, texts, language) -> times of each text's words."""


def align_facts(rows: Sequence[Fact | Restore], out: Path, align: Align) -> list[Fact | Restore]:
    """Give facts with a new text the times of its words. Those of recordings that are not among the results, or whose
    sound is not where their report looks for it, stay as they are, and so do texts of which not all words are found.
    """
    recordings = {row.sha256: _find_recording(row.sha256, out) for row in rows}
    return [_align(row, recordings[row.sha256], align) if isinstance(row, Fact) else row for row in rows]


def open_aligner(settings: Settings) -> Align:
    """The aligner of the settings, loaded at its first use.

    Raises `MissingWeights`, and UsageError where it can't run here.
    """
    from flows.locations import resolve_device
    from flows.recording.preparation import check_engines, place_engines
    from tasks.alignment.engines import build_aligner, find_aligner
    from tasks.engines.calls import call, default_pool
    from tasks.weights.requirements import choose_name
    from tasks.weights.resolve import resolve

    device = resolve_device(settings)
    check_engines(settings, device)
    default_pool.configure(place_engines(settings))
    (weights,) = find_aligner(settings.transcription.aligner).weights
    model = resolve(weights.kind, choose_name(weights, settings, device))
    engine = build_aligner(settings.transcription.aligner, model.path, device)

    def align(*what: Any) -> Any:
        return call(engine, "align", *what).value

    return align


def _align(fact: Fact, transcript: Transcript | None, align: Align) -> Fact:
    texts = [token.text for token in split_text(fact.now or "")]
    if transcript is None or fact.action != "words" or fact.times or not texts:
        return fact
    around = fact.span.grow(PAD_S) & transcript.recording.span
    try:
        samples = decode(transcript.recording.parts, around)
    except (DaylongError, OSError) as error:
        log.warning("%s: words get times by their length (%s)", transcript.recording.source_name, error)
        return fact
    (found,) = align(samples, [(0.0, around.duration_s)], [texts], transcript.run.language)
    times = tuple(Span(*row[:2]).shift(around.start_s) for row in found if row is not None and row[1] > row[0])
    return replace(fact, times=times) if len(times) == len(texts) else fact


def _find_recording(sha256: str, out: Path) -> Transcript | None:
    """The published recording with the paths of its sound; None without one."""
    for recording_id, _ in find_published(out, sha256):
        transcript = restore_part_paths(read_transcript(out, recording_id), out / EXPORTS_FOLDER / recording_id)
        if transcript.recording.parts and all(p.path and Path(p.path).is_file() for p in transcript.recording.parts):
            return transcript
    return None
