"""What listening finds: errors found against seconds listened, in the order of `daylong review`, beside the lines of
lowest confidence first and chance; and the word error rate that is predicted, beside the true one.

Recordings: the bundled samples; with DAYLONG_TEST_DATA, conversations of real readers (profile `light`, whose weights
DAYLONG_HOME has to have); an hour of the generated day (demo weights). Predictions are made
before anything was corrected, by the built-in curve and by one fitted to the other recordings; and after ten minutes
of listening (a quarter of all lines at most), by the curve fitted to what was corrected.
`--name` picks recordings. --quick: the bundled sample with the demo weights alone.
"""

from __future__ import annotations

import os
import random
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from tasks.evaluation.references import Reference, read_references
from tasks.evaluation.reliability import align_to_reference
from tasks.intervals import Span
from tasks.records import Transcript
from tasks.review.calibrate import PRIOR, Calibration, Judged, calibrate, fit_prior
from tasks.review.spans import AROUND_S, Line, choose_lines, count_lost_words, gather_evidence, survey
from tests.benchmarks import frame

READERS = ("two_15", "four_0", "four_8", "four_15", "four_telephone", "four_far", "six_0")
SHARES = (0.05, 0.1, 0.2, 0.4)
"""Shares of the time that all lines take."""
LISTENED_S, LISTENED_SHARE = 600.0, 0.25
"""Seconds of listening, at most this share of all lines."""
AIM = 1.5
"""Points by which the predicted rate may be off."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--name", action="append", help="only this recording")
    given = parser.parse_args(arguments)
    held: list[tuple[str, Transcript, Truth]] = []
    with tempfile.TemporaryDirectory(prefix="daylong-review-") as name:
        folder = Path(name)
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        os.environ["PREFECT_LOCAL_STORAGE_PATH"] = f"{folder}/results"
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
        for path, truth, profile in recordings(folder, given.name or (["roundtable"] if given.quick else None)):
            transcript = transcribe(path, profile, folder)
            held.append((path.stem, transcript, Truth(transcript, truth)))
            print(f"{path.stem}: done", flush=True)
    return report(held, given.json)


def report(held: Sequence[tuple[str, Transcript, Truth]], json_file: Path | None) -> dict[str, Any]:
    judged = [truth.judge(transcript) for _, transcript, truth in held]
    found = []
    for k, (name, transcript, truth) in enumerate(held):
        others = [one for i, one in enumerate(judged) if i != k]
        found.append({"recording": name, **measure(transcript, truth, fit_prior(others) if others else PRIOR)})
    show(found)
    whole = fit_prior(judged)
    print(f"A curve fitted to all: base {whole.base:.2f}, weights {[round(w, 2) for w in whole.weights]}")
    figures = {"found": found, "curve": asdict(whole)}
    frame.write(json_file, figures)
    return figures


def recordings(folder: Path, wanted: Sequence[str] | None) -> Iterator[tuple[Path, Reference, str]]:
    """(file, its reference, profile)."""
    from tasks.settings.home import natural_sample, sample
    from tests.benchmarks.day.recording import recording
    from tests.benchmarks.real_voices.recordings import make_recordings

    for path, profile in ((sample(), "demo"), (natural_sample(), "light")):
        if wanted is None or path.stem in wanted:
            sides = [path.with_suffix(".stm"), path.with_suffix(".rttm")]
            yield path, *read_references(sides).values(), profile
    names = [name for name in READERS if wanted is None or name in wanted]
    for made in make_recordings(folder, names) if names else ():
        if made.reference.utterances:
            yield made.path, made.reference, "light"
    if wanted is None or "day" in wanted:
        hour = recording(1.0)
        yield Path(hour.path), *read_references(hour.references).values(), "demo"


def transcribe(path: Path, profile: str, folder: Path) -> Transcript:
    from flows.process_recording import process_recording
    from tasks.dataset.read import read_transcript

    settings = {
        "profile": profile, "out": str(folder / "out"), "transcription": {"language": "en"},
        "cache": {"store": str(folder / "store")},
    }  # fmt: skip
    outcome: Any = process_recording(str(path), settings)  # type: ignore[call-overload]
    return read_transcript(folder / "out", outcome["recording_id"])


class Truth:
    """What a reference says of a transcript: of each word whether it is wrong, of each line how many errors."""

    def __init__(self, transcript: Transcript, reference: Reference) -> None:
        judged, missing = align_to_reference(reference.utterances, transcript.words)
        self.wrong = {id(word): not right for word, right in judged}
        self.num_words = sum(len(u.text.split()) for u in reference.utterances)
        self.errors = sum(self.wrong.values()) + len(missing)
        self.by_line: dict[int, int] = {s.index: 0 for s in transcript.segments}
        self.missing_by_line = dict(self.by_line)
        for word in transcript.words:
            if self.wrong.get(id(word)) and word.segment in self.by_line:
                self.by_line[word.segment] += 1
        ordered = sorted(transcript.segments, key=lambda s: s.start_s)
        starts = [s.start_s for s in ordered]
        for at_s in missing:
            line = ordered[max(0, bisect_right(starts, at_s + AROUND_S / 2) - 1)]
            if at_s in Span(line.start_s, line.end_s).grow(AROUND_S):
                self.by_line[line.index] += 1
                self.missing_by_line[line.index] += 1

    def judge(self, transcript: Transcript, lines: Sequence[Line] | None = None) -> Judged:
        """What a person who listens to these lines, or to all, says of their words. Without the missing words to
        expect where two speak, as in a review."""
        heard = self.by_line.keys() if lines is None else {line.segment for line in lines}
        known = [
            (evidence, self.wrong.get(id(word), False))
            for word, evidence in zip(transcript.words, gather_evidence(transcript.words), strict=True)
            if word.segment in heard
        ]
        spans = [Span(s.start_s, s.end_s) for s in transcript.segments if s.index in heard]
        added = sum(self.missing_by_line[k] for k in heard)
        missing = max(0.0, added - count_lost_words(transcript, spans))
        return Judged(tuple(e for e, _ in known), tuple(wrong for _, wrong in known), missing)


def measure(transcript: Transcript, truth: Truth, others: Calibration) -> dict[str, Any]:
    first = survey(transcript, PRIOR)
    total_s = sum(line.cost_s for line in first.lines)
    heard = choose_lines(first, min(LISTENED_S, LISTENED_SHARE * total_s))
    left = truth.errors - sum(truth.by_line[line.segment] for line in heard.lines)
    fitted = calibrate(truth.judge(transcript, heard.lines))
    then = survey(transcript, fitted, [line.span for line in heard.lines])
    orders = {
        "review": order_by_errors(first.lines),
        "lowest confidence": order_by_confidence(transcript, first.lines),
    }
    return {
        "words": truth.num_words,
        "minutes": total_s / 60,
        "wer": truth.errors / truth.num_words,
        "predicted": first.wer,
        "predicted_by_others": survey(transcript, others).wer,
        "lines": len(heard.lines),
        "listened_s": heard.seconds,
        "wer_after": left / truth.num_words,
        "predicted_after": heard.wer[1],
        "predicted_by_corrections": then.wer,
        "found": {way: find_shares(order, truth, total_s) for way, order in orders.items()}
        | {"chance": find_by_chance(first.lines, truth, total_s)},
    }


def order_by_errors(lines: Sequence[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: -line.errors / line.cost_s)


def order_by_confidence(transcript: Transcript, lines: Sequence[Line]) -> list[Line]:
    """By the mean confidence of the line's words, the lowest first."""
    own: dict[int, list[float]] = {}
    for word in transcript.words:
        own.setdefault(word.segment, []).append(1.0 if word.confidence is None else word.confidence)
    return sorted(lines, key=lambda line: fmean(own.get(line.segment, [1.0])))


def find_by_chance(lines: Sequence[Line], truth: Truth, total_s: float, times: int = 20) -> list[float]:
    chance, found = random.Random(1), []
    for _ in range(times):
        order = list(lines)
        chance.shuffle(order)
        found.append(find_shares(order, truth, total_s))
    return [fmean(column) for column in zip(*found, strict=True)]


def find_shares(order: Sequence[Line], truth: Truth, total_s: float) -> list[float]:
    """The share of all errors that is found within each of SHARES of the time."""
    found, spent = [0] * len(SHARES), 0.0
    for line in order:
        spent += line.cost_s
        for k, share in enumerate(SHARES):
            if spent <= share * total_s:
                found[k] += truth.by_line[line.segment]
    return [errors / max(1, truth.errors) for errors in found]


def show(found: Sequence[dict[str, Any]]) -> None:
    rows = [
        [one["recording"], way, f"{one['minutes']:.1f}", *(f"{share:.0%}" for share in shares)]
        for one in found
        for way, shares in one["found"].items()
    ]
    columns = ["", "order", "minutes of all lines", *(f"in {share:.0%} of them" for share in SHARES)]
    frame.show("Errors found, of all", columns, rows)
    rows = [
        [
            one["recording"], *(f"{100 * one[name]:.1f}" for name in ("wer", "predicted", "predicted_by_others")),
            f"{one['lines']}, {one['listened_s'] / 60:.1f} min",
            *(f"{100 * one[name]:.1f}" for name in ("wer_after", "predicted_after", "predicted_by_corrections")),
        ]
        for one in found
    ]  # fmt: skip
    columns = ["", "WER", "predicted", "by a curve of the others", "listened to", "WER then", "predicted",
               "by these corrections"]  # fmt: skip
    frame.show("Word error rates in per cent, before and after listening", columns, rows)
    for what, name, true in (
        ("before", "predicted", "wer"),
        ("before, by a curve of the others", "predicted_by_others", "wer"),
        ("after", "predicted_after", "wer_after"),
        ("after, by corrections", "predicted_by_corrections", "wer_after"),
    ):
        near = sum(abs(one[name] - one[true]) * 100 <= AIM for one in found)
        print(f"Predicted {what}: within {AIM} points on {near} of {len(found)}")


if __name__ == "__main__":
    main()
