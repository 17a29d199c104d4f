"""What one would do without Daylong, with the same weights: `python -m tests.benchmarks.real_voices.ways JOB`.

JOB is JSON: `{"do": WAY, "source": FILE, "language": CODE, "answer": FILE}`. Each answer has `peak_mb`, the `seconds`
of the work without loading, and `words` or `turns`, each of (start, end, text or speaker).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flows  # noqa: F401  # how threads wait: before any engine is imported
from tests.benchmarks.processes import peak_mb

BATCH = 8
"""faster-whisper's own default."""


def transcribe_in_order(source: Path, language: str) -> dict[str, Any]:
    """`WhisperModel.transcribe` behind its own filter of speech, otherwise as it comes."""
    return _transcribe(load_whisper(), source, language, vad_filter=True)


def transcribe_batched(source: Path, language: str) -> dict[str, Any]:
    """`BatchedInferencePipeline.transcribe` as it comes."""
    from faster_whisper import BatchedInferencePipeline

    return _transcribe(BatchedInferencePipeline(load_whisper()), source, language, batch_size=BATCH)


def load_whisper() -> Any:
    """Whisper base, int8, on the CPU."""
    from faster_whisper import WhisperModel

    from tasks.weights.resolve import resolve

    return WhisperModel(str(resolve("transcription", "base").path), device="cpu", compute_type="int8")


def _transcribe(model: Any, source: Path, language: str, **options: Any) -> dict[str, Any]:
    began = time.monotonic()
    segments, _ = model.transcribe(str(source), language=language, word_timestamps=True, **options)
    words = [(w.start, w.end, w.word) for s in segments for w in s.words or ()]
    return {"words": words, "seconds": time.monotonic() - began}


def cluster_whole(source: Path, language: str) -> dict[str, Any]:
    """NeMo's spectral clustering (NME-SC) of the embeddings of the whole recording, at most 20 speakers.

    `ClusteringDiarizer` loads NeMo's own speaker models alone, so its clustering is called with the embeddings of
    CAM++ in the windows that Daylong uses.
    """
    import numpy as np
    import soundfile

    from tasks.audio.speech_map import build_speech_map, load
    from tasks.diarization.campplus import load as load_campplus
    from tasks.diarization.clustering import load as load_clustering
    from tasks.diarization.windows import cut_windows
    from tasks.tiling import tile_speech
    from tasks.weights.resolve import resolve

    model, clustering = load_campplus(str(resolve("embedding", "campplus").path)), load_clustering()
    began = time.monotonic()
    samples, rate = soundfile.read(source, dtype="float32")
    blocks = (samples[k : k + rate] for k in range(0, len(samples), rate))
    speech = build_speech_map(blocks, load().find_speech, len(samples) / rate).speech
    windows = cut_windows(speech)
    labels = clustering.cluster(model.embed(samples, windows).astype(np.float32), windows, max_speakers=20)
    turns = [(a, b, f"S{k}") for a, b, k in tile_speech(windows, labels, list(speech))]
    return {"turns": turns, "seconds": time.monotonic() - began}


WORDS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "faster-whisper, in order": transcribe_in_order,
    "faster-whisper, batched": transcribe_batched,
}
SPEAKERS: dict[str, Callable[[Path, str], dict[str, Any]]] = {"NME-SC of the whole": cluster_whole}


def main() -> None:
    job = json.loads(sys.argv[1])
    answer = (WORDS | SPEAKERS)[job["do"]](Path(job["source"]), job["language"])
    Path(job["answer"]).write_text(json.dumps(answer | {"peak_mb": peak_mb()}), encoding="utf-8")


if __name__ == "__main__":
    main()
