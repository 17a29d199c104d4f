"""Load engines before the first chunk asks for them: while the speech is mapped, and while Prefect's server starts.

A recording of which nothing is in the cache needs them for certain, but for one in which nobody speaks. Where all of
it is cached, nothing is loaded.
"""

from __future__ import annotations

import hashlib
import logging
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows.recording.preparation import Run, prepare
from flows.reporting.progress import Listener, Snapshot
from tasks.alignment.engines import build_aligner
from tasks.audio.detectors import count_threads, name_copy
from tasks.audio.folder import decode_path
from tasks.diarization.engines import build_diarizer, build_segmenter, choose_speaker_engine, hears_turns
from tasks.engines import registry
from tasks.engines.engine import Engine
from tasks.pruning.prune import recordings_folder
from tasks.settings.load import load
from tasks.transcription.engines import engine as build_recogniser

log = logging.getLogger("daylong.models")

LONG_S = 900.0
"""Recordings from this length on have speech, and a map that takes a while."""
SMALL_BYTES = 200_000_000
"""Of a larger file the digest takes longer than the engines' start would save."""


def list_engines(run: Run) -> list[Engine]:
    """List the engines that a run asks first, in the order of their use, those that run elsewhere left out."""
    settings, weights, device = run.settings, run.weights, run.place.device
    found = [name_copy(number) for number in range(count_threads(run.place))]
    if not registry.find("transcription", settings.transcription.engine).capabilities.remote:
        found.append(build_recogniser(settings.transcription, weights["transcription"].path, device))
    if "segmentation" in weights:
        found.append(build_segmenter(weights["segmentation"], device))
    if settings.diarizes and hears_turns(settings.diarization.engine):
        found.append(build_diarizer(settings.diarization.engine, weights["diarization"].path, device))
    if settings.knows_voices:
        found.append(choose_speaker_engine(weights["embedding"].path, device))
    if "alignment" in weights:
        found.append(build_aligner(settings.transcription.aligner, weights["alignment"].path, device))
    return found


def load_while_mapping(run: Run, duration_s: float) -> Listener:
    """Create a listener that begins to load the engines of a long recording once a part of it is mapped: a map from
    the cache tells of no parts."""
    applies = duration_s >= LONG_S and run.settings.runner == "threads"
    once = threading.Lock()  # parts are mapped in several threads

    def on_snapshot(now: Snapshot) -> None:
        if applies and now.mapped_s and once.acquire(blocking=False):
            chunks = math.ceil(duration_s / (60 * run.settings.chunking.max_minutes))
            run.place.engines.preload(list_engines(run), chunks)

    return on_snapshot


def load_before_run(files: Sequence[str], settings: dict[str, Any]) -> None:
    """Begin to load the engines of a small recording that is new here, for a run that is about to begin.

    What is wrong with the settings or the file is told by that run.
    """
    try:
        if is_new(files):
            run = prepare(load(settings))
            if run.settings.runner == "threads" and run.settings.storage is None:
                run.place.engines.preload(list_engines(run))
    except Exception as error:
        log.debug("engines are not loaded before the run: %s", error)


def is_new(files: Sequence[str]) -> bool:
    """Whether no run of a recording has been noted here, under whichever name. Several files are not looked at."""
    if len(files) != 1:
        return False
    path = Path(decode_path(files[0]))
    if not path.is_file() or not 0 < path.stat().st_size <= SMALL_BYTES:
        return False
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return not any(recordings_folder().glob(f"*-{digest[:8]}.json"))
