"""The speaker model: are two stretches of speech one person's? And who speaks when, with NeMo's clustering."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.recipes.fresh_sentences import fresh_sentences
from data.recipes.lexicon import plain
from data.recipes.measure_speaker import Turn, annotation, equal_error_rate, windows
from data.recipes.readers import RATE, Samples, load_readers
from data.recipes.synthesis import VOICES, speak
from tests.benchmarks.demo_weights.figure import Figure
from tests.simulation.talk import voiced

FOLDS = 5
STUDENT = 2.776
"""Of the 95 % interval of a mean of five."""

LEAST_S = 8
"""A reader's recording, to take part in a conversation."""


def figures(models: Path, voices: Path | None, quick: bool) -> Iterator[Figure]:
    from tasks.diarization import clustering, speaker_model

    model = speaker_model.load(str(models / "speaker.nemo"))
    if voices is not None:
        readers = load_readers(voices).test
        folds = [100 * error_rate(model, readers[k::FOLDS], 3.0, per_half=2) for k in range(FOLDS)]
        spread = STUDENT * float(np.std(folds, ddof=1)) / FOLDS**0.5
        yield Figure(
            "equal error rate, 51 unheard readers, 3 s, 5 folds", np.mean(folds).item(), "%", 15, None, spread
        )
    synthetic = [monologue(k, 6 if quick else 20) for k in range(len(VOICES))]
    error = 100 * error_rate(model, synthetic, 3.0, per_half=3 if quick else 8)
    yield Figure("equal error rate, synthetic voices, unheard sentences, 3 s", error, "%", most=3)
    if voices is not None:
        engines = model, clustering.load()
        talkers = [r for r in readers if len(r) >= LEAST_S * RATE]
        pairs = list(zip(talkers[0::2], talkers[1::2], strict=False))[: 5 if quick else None]
        errors = 100 * np.array([talk_error(*engines, *pair, seed=k) for k, pair in enumerate(pairs)])
        mean, confused = errors.mean(0).tolist()
        spread = 1.96 * float(errors[:, 0].std(ddof=1)) / len(errors) ** 0.5
        name = f"diarization errors, two unheard readers for half a minute, {len(pairs)} pairs"
        yield Figure(name, mean, "%", 10, None, spread)
        yield Figure("… of these the wrong one of the two", confused, "%")


def error_rate(model: Any, voices: Sequence[Samples], seconds: float, per_half: int) -> float:
    """Equal error rate over pairs of windows; those of one voice lie in different halves of its recording."""
    found, owner = [], []
    for number, voice in enumerate(voices):
        middle = len(voice) // 2
        for half, part in enumerate((voice[:middle], voice[middle:])):
            for cut in windows(part, seconds, per_half):
                found.append(model.embed(cut, np.array([[0.0, seconds]]))[0])
                owner.append((number, half))
    scores = torch.from_numpy(np.array(found) @ np.array(found).T)
    who, half_of = torch.tensor(owner).unbind(1)
    same = (who[:, None] == who) & (half_of[:, None] < half_of)
    return equal_error_rate(scores[same], scores[who[:, None] < who])


def monologue(voice: int, sentences: int) -> Samples:
    """Sentences that the training of the speaker model did not have, each at another tempo and pitch."""
    rng, texts = random.Random(f"unheard {voice}"), fresh_sentences(700 + voice)
    said = [
        speak(" ".join(plain(next(texts))), VOICES[voice], rng.uniform(0.85, 1.15), rng.randint(-8, 8))[0]
        for _ in range(sentences)
    ]
    return np.concatenate(said)


def talk_error(model: Any, clustering: Any, one: Samples, other: Samples, seed: int) -> tuple[float, float]:
    """(diarization error rate, what of it is confusion) of two readers who take turns: no collar, the number of
    speakers not told; as the flow does it with a recording of one chunk."""
    from pyannote.metrics.diarization import DiarizationErrorRate

    from tasks.audio.speech_map import load
    from tasks.diarization.windows import cut_windows
    from tasks.intervals import Span
    from tasks.linking.link import link
    from tasks.linking.nodes import ChunkVoices

    samples, truth = conversation(one, other, seed)
    speech = load().find_speech(samples)
    where = cut_windows(speech)
    embeddings = model.embed(samples, where)
    labels = clustering.cluster(embeddings, where, max_speakers=8)
    chunk = ChunkVoices(
        0, Span(0.0, len(samples) / RATE), where[:, 0], where[:, 1], embeddings, labels, tuple(speech)
    )
    found = [(t.start_s, t.end_s, t.speaker) for t in link([chunk]).turns]
    parts = DiarizationErrorRate()(annotation(truth), annotation(found), detailed=True)
    return float(parts["diarization error rate"]), float(parts["confusion"] / parts["total"])


def conversation(one: Samples, other: Samples, seed: int) -> tuple[Samples, list[Turn]]:
    """Two readers in turns of 2–5 s, 0.3–0.8 s apart, until one has read all that there is."""
    rng = random.Random(seed)
    left = [one / np.abs(one).max() * 0.4, other / np.abs(other).max() * 0.4]
    parts: list[Samples] = []
    turns: list[Turn] = []
    now, speaker = 0.0, 0
    while len(left[speaker]) > 2 * RATE:
        size = int(rng.uniform(2, 5) * RATE)
        said, left[speaker] = left[speaker][:size], left[speaker][size:]
        pause = np.zeros(int(rng.uniform(0.3, 0.8) * RATE), np.float32)
        turns += [(now + a, now + b, speaker) for a, b in voiced(said)]
        parts += [said, pause]
        now += (len(said) + len(pause)) / RATE
        speaker = 1 - speaker
    noise = np.random.default_rng(seed).standard_normal(round(now * RATE) + RATE, np.float32) * np.float32(5e-4)
    samples = np.concatenate(parts)
    return (samples + noise[: len(samples)]).astype(np.float32), turns
