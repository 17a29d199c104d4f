"""What is known of how right a recording's words are: what people corrected, and what other recognisers heard."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tasks.comparison.differences import compare_words
from tasks.comparison.words_file import FOLDER, SUFFIX, OtherRun, read_runs
from tasks.corrections.facts import Fact
from tasks.corrections.judged import judge_words, list_judged_spans
from tasks.corrections.log import FactLog
from tasks.corrections.store import read_machine
from tasks.dataset.read import read_transcript
from tasks.errors import DaylongError
from tasks.evaluation.normalizers import get_normalizer
from tasks.intervals import Span
from tasks.records import Transcript
from tasks.review.calibrate import Judged
from tasks.review.spans import count_lost_words, gather_evidence

log = logging.getLogger("daylong.review")

MOST_RECORDINGS = 20
"""Recordings whose corrections are looked at, the last ones."""


def judge_recording(machine: Transcript, facts: Sequence[Fact], disputed: Sequence[Span] | None) -> Judged:
    """What people said of the words that the machine gave."""
    found = judge_words(machine.words, machine.turns, facts)
    missing = max(0.0, found.missing - count_lost_words(machine, list_judged_spans(facts)))
    if not found.wrong:
        return Judged(missing=missing)
    known = gather_evidence(machine.words, disputed)
    places = sorted(found.wrong)
    return Judged(tuple(known[i] for i in places), tuple(found.wrong[i] for i in places), missing)


def judge_others(held: FactLog, store: Path, transcript: Transcript) -> Judged:
    """What people said of the words of other recordings by the same recogniser."""
    own = transcript.recording.sha256
    shown = [s for s in held.shown if s.sha256 != own and any(f.action == "words" for f in held.of(s.sha256))]
    total = Judged()
    for place in shown[-MOST_RECORDINGS:]:
        try:
            published = read_transcript(Path(place.out), place.recording_id)
        except (DaylongError, OSError) as error:
            log.info("%s: its corrections are left out (%s)", place.recording_id, error)
            continue
        if _name_recogniser(published) == _name_recogniser(transcript):
            machine = read_machine(store, place.out, published) or published
            total = add(total, judge_recording(machine, held.of(place.sha256), None))
    return total


def add(one: Judged, other: Judged) -> Judged:
    return Judged(one.evidence + other.evidence, one.wrong + other.wrong, one.missing + other.missing)


def find_disputed(out: Path, transcript: Transcript) -> list[Span] | None:
    """Where other recognisers, by `daylong compare`, heard something else than the transcript says; None where it has
    not been compared."""
    others = list(_read_others(out, transcript))
    if not others:
        return None
    normalizer = get_normalizer(transcript.run.language)
    return [d.span for run in others for d in compare_words(transcript.words, run.words, normalizer)]


def _read_others(out: Path, transcript: Transcript) -> Iterator[OtherRun]:
    path = out / FOLDER / f"{transcript.recording.recording_id}{SUFFIX}"
    try:
        runs = read_runs(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s: the comparison can't be read (%s)", path, error)
        return
    own = _name_recogniser(transcript)
    for run in runs:
        if run.words and own.split(" ")[0] != run.model:
            yield replace(run, words=tuple(sorted(run.words, key=lambda w: w.start_s)))


def _name_recogniser(transcript: Transcript) -> str:
    return str(transcript.run.models.get("transcription", ""))
