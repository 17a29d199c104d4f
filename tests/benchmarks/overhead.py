"""What the flow adds to its engines: the chunk steps of one recording in a Prefect flow, against the same engine
calls in a bare loop. Same chunks, engines loaded before, everything uncached; decoding is listed apart.

The flow may win: it decodes the next chunk while the engines work, and runs different engines side by side.
So the bare loop is also run with the flow's order of work taken away from both: chunks_in_flight = 1.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import frame


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--recording", type=Path, help="default: the bundled sample")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_HOME"] = f"{folder}/prefect"
        os.environ["PREFECT_LOCAL_STORAGE_PATH"] = f"{folder}/results"
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
        figures = measure(given.recording, Path(folder), quick=given.quick)
    frame.show(
        f"Chunk steps of {figures['recorded_s'] / 60:.1f} recorded minutes, {figures['chunks']} chunks",
        ["", "seconds", "s per recorded hour", "ratio to bare engines"],
        [
            [name, s, s * 3600 / figures["recorded_s"], s / figures["engines_s"]]
            for name, s in (
                ("decoding, bare", figures["decode_s"]),
                ("engine calls, bare loop", figures["engines_s"]),
                ("flow, 1 chunk in flight", figures["flow_one_s"]),
                ("flow, 2 chunks in flight", figures["flow_two_s"]),
                ("flow, everything cached", figures["flow_cached_s"]),
            )
        ],
    )
    frame.write(given.json, figures)
    return figures


def measure(recording_path: Path | None, folder: Path, *, quick: bool) -> dict[str, Any]:
    """Seconds of each way, in one process, one after the other."""
    from prefect import flow

    import flows.recording.chunks as steps
    from flows.recording.preparation import prepare
    from flows.recording.tracks import Track
    from flows.reporting.progress import Progress
    from tasks.audio.decode import clear_cache, reference_audio, stream
    from tasks.audio.plan import plan
    from tasks.audio.probe import probe
    from tasks.audio.speech_map import build_speech_map, load
    from tasks.settings.home import sample
    from tasks.settings.load import load as load_settings

    path = recording_path or sample()
    recording = probe(path)
    mapped = build_speech_map(stream(path), load().find_speech, recording.duration_s)

    def prepared(store: str, in_flight: int) -> Any:
        given = {
            "profile": "demo", "cache": {"store": str(folder / store)}, "chunks_in_flight": in_flight,
            "transcription": {"language": "en"},
        }  # fmt: skip
        return prepare(load_settings(given))

    run = prepared("bare", 1)
    chunks = plan(recording.duration_s, mapped.speech, mapped.energy_db, run.settings.chunking)
    chunks = chunks[:1] if quick else chunks
    audio = reference_audio(recording)
    track = Track(audio, mapped.speech)

    @flow(name="overhead", persist_result=False)
    def timed(run: Any) -> float:
        started = time.perf_counter()
        done = steps.process_chunks(chunks, [track], "en", run, Progress(path.name))
        assert not any(w.error for w in done)
        return time.perf_counter() - started

    bare(chunks[:1], audio, run)  # loads every engine
    clear_cache()
    decode_s, engines_s = bare(chunks, audio, run)
    figures: dict[str, Any] = {
        "recorded_s": sum(c.core.duration_s for c in chunks), "chunks": len(chunks),
        "decode_s": decode_s, "engines_s": engines_s,
    }  # fmt: skip
    for name, in_flight in (("flow_one_s", 1), ("flow_two_s", 2)):
        clear_cache()
        figures[name] = timed(prepared(name, in_flight))
    figures["flow_cached_s"] = timed(prepared("flow_two_s", 2))
    return figures


def bare(chunks: Sequence[Any], audio: Any, run: Any) -> tuple[float, float]:
    """(seconds of decoding, seconds of everything else) for the chunks, in a plain loop."""
    from functools import partial

    from tasks.audio.decode import load
    from tasks.diarization.task import MOST_IN_A_CHUNK
    from tasks.diarization.windows import cut_windows
    from tasks.engines import calls
    from tasks.engines.engine import Engine
    from tasks.transcription.engines import engine
    from tasks.transcription.step import transcribe_chunk

    settings, weights = run.settings, run.weights
    whisper = engine(settings.transcription, weights["transcription"].path, run.place.device)
    speaker = Engine.of(
        "diarization/speaker-model", "tasks.diarization.speaker_model:load",
        model=str(weights["embedding"].path), device=run.place.device,
    )  # fmt: skip
    clustering = Engine.of("diarization/clustering", "tasks.diarization.clustering:load")
    marks = Engine.of(
        "punctuation/deepmultilingualpunctuation", "tasks.punctuation.model:load",
        model=str(weights["punctuation"].path), device=run.place.device,
    )  # fmt: skip

    def ask(which: Engine, method: str, *args: Any, **kwargs: Any) -> Any:
        return calls.call(which, method, *args, **kwargs).value

    decode_s = engines_s = 0.0
    for chunk in chunks:
        started = time.perf_counter()
        samples = load(audio, chunk.span)
        decoded = time.perf_counter()
        speech = [s.shift(-chunk.span.start_s) for s in chunk.speech]
        words = transcribe_chunk(samples, speech, "en", settings.transcription, partial(ask, whisper)).words
        ask(marks, "restore", [w.text for w in words])
        where = cut_windows(speech)
        ask(clustering, "cluster", ask(speaker, "embed", samples, where), where, max_speakers=MOST_IN_A_CHUNK)
        engines_s += time.perf_counter() - decoded
        decode_s += decoded - started
    return decode_s, engines_s


if __name__ == "__main__":
    main()
