"""The engines on a whole recording, with their own defaults: `python -m tests.benchmarks.whole_file.ways JOB`.

JOB is JSON: `{"do": WAY, "source": FILE, "folder": FOLDER, "answer": FILE}`. The weights are the demo's, which the
flow takes too. Each answer has `peak_mb`, `seconds` of its parts, and `words` (start, end, text) or `rttm`, a path.
Threads wait asleep, as in the flow: on a busy machine, spinning ones would measure the others.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flows  # noqa: F401  # how threads wait: before any engine is imported
from tasks.settings.home import demo_models
from tests.benchmarks.processes import peak_mb


def faster_whisper(source: Path, folder: Path, *, vad: bool = False) -> dict[str, Any]:
    """`WhisperModel.transcribe` as it comes, with the times of words; the file is read by faster-whisper itself."""
    from faster_whisper import WhisperModel

    began = time.monotonic()
    model = WhisperModel(str(demo_models() / "whisper"), device="cpu", compute_type="float32")
    loaded = time.monotonic()
    segments, _ = model.transcribe(str(source), word_timestamps=True, vad_filter=vad)
    words = [(w.start, w.end, w.word) for s in segments for w in s.words or ()]
    return {"words": words, "seconds": {"load": loaded - began, "transcribe": time.monotonic() - loaded}}


def faster_whisper_vad(source: Path, folder: Path) -> dict[str, Any]:
    """The same behind its own filter of speech."""
    return faster_whisper(source, folder, vad=True)


def nemo(source: Path, folder: Path) -> dict[str, Any]:
    """`ClusteringDiarizer` with its own configuration: five scales of windows, all of the file clustered at once.

    Where speech is, it is told by our speech map: its own detector's weights would have to be fetched.
    """
    from tasks.audio.decode import stream
    from tasks.audio.speech_map import build_speech_map, load
    from tasks.engines.nemo import silence_nemo

    began = time.monotonic()
    import soundfile

    duration_s = soundfile.info(source).duration
    spans = build_speech_map(stream(source), load().find_speech, duration_s).speech
    mapped = time.monotonic()
    file = {"audio_filepath": str(source), "label": "UNK", "uniq_id": source.stem}
    lines = [file | {"offset": s.start_s, "duration": s.duration_s} for s in spans]
    (folder / "vad.json").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    whole = {"audio_filepath": str(source), "offset": 0, "duration": None, "label": "infer", "text": "-"}
    (folder / "manifest.json").write_text(json.dumps(whole) + "\n", encoding="utf-8")
    with silence_nemo():
        from nemo.collections.asr.models import ClusteringDiarizer

        diarizer = ClusteringDiarizer(cfg=configuration(folder))
        loaded = time.monotonic()
        diarizer.diarize()
    return {
        "rttm": str(folder / "pred_rttms" / f"{source.stem}.rttm"),
        "seconds": {"speech map": mapped - began, "load": loaded - mapped, "diarize": time.monotonic() - loaded},
    }


def configuration(folder: Path) -> Any:
    """NeMo's own defaults, but for the weights and the manifests in `folder`."""
    import dataclasses

    from nemo.collections.asr.models.configs.diarizer_config import DiarizerConfig
    from omegaconf import OmegaConf

    given = {"device": "cpu", "verbose": False, "num_workers": 0, "sample_rate": 16000, "batch_size": 64}
    config = OmegaConf.create(given | {"diarizer": dataclasses.asdict(DiarizerConfig())})
    config.diarizer.out_dir = str(folder)
    config.diarizer.manifest_filepath = str(folder / "manifest.json")
    config.diarizer.speaker_embeddings.model_path = str(demo_models() / "speaker.nemo")
    config.diarizer.vad.model_path = None
    config.diarizer.vad.external_vad_manifest = str(folder / "vad.json")
    return config


WAYS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "faster-whisper": faster_whisper,
    "faster-whisper, vad_filter": faster_whisper_vad,
    "NeMo ClusteringDiarizer": nemo,
}


def main() -> None:
    job = json.loads(sys.argv[1])
    answer = WAYS[job["do"]](Path(job["source"]), Path(job["folder"]))
    Path(job["answer"]).write_text(json.dumps(answer | {"peak_mb": peak_mb()}), encoding="utf-8")


if __name__ == "__main__":
    main()
