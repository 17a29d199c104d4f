"""Words alone: our decoding beside the engine's own two ways, same weights, same sound, one process.

`python -m tests.benchmarks.real_voices.words`: for each recording with words, faster-whisper in order and batched as
they come, and the step `transcription` without the flow. Word errors are after Whisper's normaliser (characters in
Japanese). Seconds are of the processor, without loading; `ratio`: ours to the batched pipeline's. `--compute-type`,
`--beam-size` and `--batch-size` may each be given several times: one row of ours for each combination.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import frame
from tests.benchmarks.real_voices.recordings import RATE, find_data, make_recordings

QUICK = ("ls2_stereo",)
DEFAULT = (
    "ls2_stereo",
    "five_returns",
    "four_telephone",
    "four_far",
    "test",
    "test_de",
    "test_es",
    "test_fr",
    "test_ja",
)
COLUMNS = ["", "words", "insertions", "deletions", "substitutions", "error rate, %", "seconds", "ratio"]
Samples = NDArray[np.float32]
Way = Callable[[Samples, str], str]


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--name", action="append", help="only this recording")
    parser.add_argument("--compute-type", action="append", help="of our decoding [int8]")
    parser.add_argument("--beam-size", action="append", type=int, help="of our decoding [5]")
    parser.add_argument("--batch-size", action="append", type=int, help="of our decoding [8]")
    given = parser.parse_args(arguments)
    kinds = list(itertools.product(given.compute_type or ["int8"], given.beam_size or [5], given.batch_size or [8]))
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="daylong-words-") as folder:
        for name, samples, text, language in list_sounds(
            Path(folder), given.name or (QUICK if given.quick else DEFAULT)
        ):
            ways = _list_ways(kinds)
            figures = [measure(name, way, run, samples, text, language) for way, run in ways.items()]
            batched = next(f["seconds"] for f in figures if f["way"] == "batched")
            found += [f | {"ratio": f["seconds"] / batched} for f in figures]
            frame.write(given.json, {"recordings": found})
    if wordless := set(given.name or ()) - {f["name"] for f in found}:
        raise SystemExit(f"no recording with words: {', '.join(sorted(wordless))}")
    rows = [
        [
            f"{f['name']}, {f['way']}",
            *(f[k] for k in ("words", "insertions", "deletions", "substitutions")),
            f"{100 * f['rate']:.1f}",
            f"{f['seconds']:.1f}",
            f"{f['ratio']:.2f}",
        ]
        for f in found
    ]
    frame.show("Words (Whisper base)", COLUMNS, rows)
    return {"recordings": found}


def list_sounds(folder: Path, wanted: Sequence[str]) -> Iterator[tuple[str, Samples, str, str]]:
    """(name, 16 kHz mono, text, language) of the recordings with words."""
    import soundfile

    if "ls2_stereo" in wanted:
        stereo = find_data() / "stereo"
        samples, _ = soundfile.read(stereo / "ls2_stereo.flac", dtype="float32")
        lines = [line.split(None, 5) for line in (stereo / "ls2_stereo.stm").read_text().splitlines()]
        said = sorted((float(line[3]), line[5]) for line in lines if len(line) == 6 and not line[0].startswith(";"))
        yield "ls2_stereo", samples.mean(axis=1, dtype=np.float32), " ".join(text for _, text in said), "en"
    for recording in make_recordings(folder, wanted):
        if recording.reference.utterances:
            samples, rate = soundfile.read(recording.path, dtype="float32")
            assert rate == RATE
            text = " ".join(u.text for u in sorted(recording.reference.utterances, key=lambda u: u.start_s))
            yield recording.reference.name, samples, text, recording.language


def _list_ways(kinds: Sequence[tuple[str, int, int]]) -> dict[str, Way]:
    ways: dict[str, Way] = {"in order": _run_in_order, "batched": _run_batched}
    for compute_type, beam, batch in kinds:
        ways[f"Daylong, {compute_type}, beam {beam}, batch {batch}"] = _make_ours(compute_type, beam, batch)
    return ways


def measure(name: str, way: str, run: Way, samples: Samples, text: str, language: str) -> dict[str, Any]:
    from tasks.evaluation.normalizers import get_normalizer
    from tasks.evaluation.word_errors import count_word_errors

    began = time.process_time()
    heard = run(samples, language)
    seconds = time.process_time() - began
    split = get_normalizer(language).split
    said = split([text])
    errors = count_word_errors(said, split([heard]))
    return {
        "name": name, "way": way, "words": len(said), "seconds": seconds, "rate": errors.total / len(said),
        "insertions": errors.insertions, "deletions": errors.deletions, "substitutions": errors.substitutions,
    }  # fmt: skip


def _run_in_order(samples: Samples, language: str) -> str:
    segments, _ = _load("int8")._model.transcribe(samples, language=language, vad_filter=True, word_timestamps=True)
    return " ".join(s.text for s in segments)


def _run_batched(samples: Samples, language: str) -> str:
    pipeline = _load("int8")._batched
    segments, _ = pipeline.transcribe(samples, language=language, batch_size=8, word_timestamps=True)
    return " ".join(s.text for s in segments)


def _make_ours(compute_type: str, beam: int, batch: int) -> Way:
    def run(samples: Samples, language: str) -> str:
        from tasks.audio.speech_map import build_speech_map, load
        from tasks.settings.schema import TranscriptionSettings
        from tasks.transcription.step import transcribe_chunk

        def ask(method: str, *arguments: Any) -> Any:
            return getattr(_load(compute_type), method)(*arguments)

        speech = build_speech_map([samples], load().find_speech, len(samples) / RATE).speech
        settings = TranscriptionSettings(beam_size=beam, batch_size=batch)
        found = transcribe_chunk(samples, speech, language, settings, ask)
        return " ".join(w.text for w in found.words)

    return run


_loaded: dict[str, Any] = {}


def _load(compute_type: str) -> Any:
    """The engine with the weights of profile `light`; loading counts for nobody."""
    from tasks.transcription import whisper
    from tasks.weights.resolve import resolve

    if compute_type not in _loaded:
        _loaded[compute_type] = whisper.load(str(resolve("transcription", "base").path), compute_type=compute_type)
    return _loaded[compute_type]


if __name__ == "__main__":
    main()
