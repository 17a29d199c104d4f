"""Measures the demo recogniser on unseen sentences and on the sample, decoded as profile `demo` decodes.

`python -m data.recipes.measure_whisper [--model FOLDER]`: word error rate, and how far off the words begin.
Words are compared in the order of their beginnings, so overlapping people's words are expected interleaved.
"""

from __future__ import annotations

import argparse
import difflib
import time
from pathlib import Path

import numpy as np

from data.recipes.lexicon import WORDS
from data.recipes.synthesis import SAMPLE_RATE
from data.recipes.whisper_corpus import load
from data.recipes.word_errors import word_errors

SPEECH = {"min_silence_duration_ms": 250, "speech_pad_ms": 120, "max_speech_duration_s": 9}
"""How the recording is cut into stretches of speech (Silero, `faster_whisper.vad.VadOptions`)."""
DECODING = {
    "language": "en",
    "beam_size": 1,
    "temperature": 0.0,
    "without_timestamps": True,
    "word_timestamps": True,
    "condition_on_previous_text": False,
}
"""What works best with these weights (arguments of `WhisperModel.transcribe`)."""

TimedWord = tuple[str, float]


def unseen(cache: Path) -> tuple[np.ndarray, list[TimedWord]]:
    """The test sentences in one recording, 0.5–1.2 s apart, with a little noise; and its words."""
    rng = np.random.default_rng(5)
    parts, words, at = [], [], 0
    for u in load("test", cache):
        gap = np.zeros(round(rng.uniform(0.5, 1.2) * SAMPLE_RATE), np.float32)
        at += len(gap)
        words += [(WORDS[w], at / SAMPLE_RATE + float(a)) for w, a in zip(u.words, u.starts, strict=True)]
        parts += [gap, u.samples.astype(np.float32) / 32768 * 0.55]
        at += len(u.samples)
    samples = np.concatenate(parts)
    return samples + rng.standard_normal(len(samples), np.float32) * np.float32(0.0006), words


def sample(folder: Path) -> tuple[np.ndarray, list[TimedWord]]:
    """The bundled sample and its words."""
    from faster_whisper.audio import decode_audio

    lines = (folder / "roundtable.ctm").read_text(encoding="utf-8").splitlines()
    words = sorted((float(start), word) for _, _, start, _, word in (line.split() for line in lines))
    return decode_audio(str(folder / "roundtable.opus")), [(word, start) for start, word in words]


def recognise(model, samples: np.ndarray, *, batched: bool) -> list[TimedWord]:
    """Silero's stretches of speech, decoded one by one or in batches."""
    from faster_whisper import BatchedInferencePipeline
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    speech = [
        (s["start"] / SAMPLE_RATE, s["end"] / SAMPLE_RATE)
        for s in get_speech_timestamps(samples, VadOptions(**SPEECH))
    ]
    if batched:
        clips = [{"start": a, "end": b} for a, b in speech]
        pipeline = BatchedInferencePipeline(model)
        segments, _ = pipeline.transcribe(samples, clip_timestamps=clips, batch_size=8, vad_filter=False, **DECODING)
    else:
        times = [t for stretch in speech for t in stretch]
        segments, _ = model.transcribe(samples, clip_timestamps=times, **DECODING)
    words = [(w.word.strip(), w.start) for s in segments for w in s.words or ()]
    return sorted(words, key=lambda w: w[1])


def report(name: str, expected: list[TimedWord], got: list[TimedWord], seconds: float) -> str:
    """One line: errors, and the distance of the beginnings of the words that both have."""
    reference, hypothesis = [w for w, _ in expected], [w for w, _ in got]
    errors = word_errors(reference, hypothesis)
    blocks = difflib.SequenceMatcher(None, reference, hypothesis, autojunk=False).get_matching_blocks()
    pairs = [(b.a + k, b.b + k) for b in blocks for k in range(b.size)]
    off = np.abs([expected[i][1] - got[j][1] for i, j in pairs] or [np.nan])
    off = off[off < 2] if len(pairs) else off
    return (
        f"{name}: word errors {errors / len(reference):.1%} of {len(reference)} ({len(hypothesis)} printed), starts "
        f"{np.median(off) * 1000:.0f} ms off in the median, {np.mean(off < 0.1):.0%} within 100 ms, {seconds:.0f} s"
    )


def main() -> None:
    from faster_whisper import WhisperModel

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("data/models/demo/whisper"))
    parser.add_argument("--cache", type=Path, default=Path("data/cache/recipes/whisper"))
    parser.add_argument("--samples", type=Path, default=Path("data/samples"))
    arguments = parser.parse_args()
    model = WhisperModel(str(arguments.model), device="cpu", compute_type="float32")
    for name, (samples, words) in (
        ("unseen sentences", unseen(arguments.cache)),
        ("sample", sample(arguments.samples)),
    ):
        for batched in (False, True):
            begun = time.monotonic()
            got = recognise(model, samples, batched=batched)
            how = "batched" if batched else "one by one"
            print(report(f"{name}, {how}", words, got, time.monotonic() - begun), flush=True)


if __name__ == "__main__":
    main()
