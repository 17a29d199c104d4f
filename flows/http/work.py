"""What the worker's process does: look at a recording, process it with the flow, shape its transcript."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.http import objects
from flows.http.models import PROFILES
from flows.http.shapes import Shape, apply_names, shape
from tasks.errors import UsageError
from tasks.joining import join_words
from tasks.settings.load import load
from tasks.settings.schema import Settings

if TYPE_CHECKING:
    from flows.reporting.outcome import Outcome
    from flows.reporting.progress import Snapshot
    from flows.serving.own_server import RunServer
    from tasks.records import Transcript, Word

Report = Callable[[dict[str, Any]], None]
_server: RunServer | None = None
_starting = threading.Lock()
REPORTED = ("recording_id", "run_id", "status", "duration_s", "speech_s", "wall_s", "num_words", "num_speakers")
"""Fields of the outcome that callers are told."""


def check(_report: Report, *, parameters: dict[str, Any]) -> dict[str, Any]:
    """Check that the settings can be worked with here; return the models that are ready. Raises UsageError."""
    from flows.locations import resolve_device
    from flows.recording.preparation import check_engines, check_recogniser
    from tasks.weights import requirements, resolve

    settings = load(parameters)
    device = resolve_device(settings)
    check_engines(settings, device)
    required = requirements.list_required(settings, device)
    resolve.check_names([*required, *requirements.list_deferred(settings)])
    resolve.check_available(required, requirements.format_fetch_command(settings, device))
    check_recogniser(settings)
    return {"models": list_ready(settings, device)}


def list_ready(settings: Settings, device: str) -> list[str]:
    """List the profiles whose weights are all on this machine, then the recogniser's models that are; of a service
    the model that it is asked for."""
    from tasks.engines import registry
    from tasks.weights import requirements, resolve

    def is_ready(profile: str) -> bool:
        return not resolve.list_absent(requirements.list_required(load({"profile": profile}), device))

    here: list[str] = []
    for weights in registry.find("transcription", settings.transcription.engine).weights[:1]:
        if weights.remote:
            here.append(requirements.choose_name(weights, settings, device))
            continue
        models = dict.fromkeys((settings.transcription.model, *weights.names))
        named = [m for m in models if m != "auto" and m[:1] not in "/.~"]  # paths are nobody's to know
        here += [m for m in named if not resolve.list_absent([(weights.kind, m)])]
    return [*(p for p in PROFILES if is_ready(p)), *here]


def look(_report: Report, *, source: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Measure a recording: its length in seconds, and the digest of its bytes. Raises UnreadableAudio."""
    from tasks.audio.probe import probe

    settings = load(parameters)
    found = probe(Path(source), timezone=settings.timezone, track=settings.audio.track)
    return {"duration_s": found.duration_s, "sha256": found.sha256}


def run(report: Report, *, source: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Process a recording with the flow. Raises what the flow raises."""
    _start_server()
    from flows.process_recording import process_recording
    from flows.reporting.progress import subscribe_to_own
    from tasks.audio.folder import encode_path

    if parameters.get("transcription", {}).get("into_english"):
        # The recording's own tables hold what was said.
        parameters = {**parameters, "out": str(locate_translations(load(parameters)))}

    def report_words(words: Sequence[Word]) -> None:
        text = (" " if words[0].space_before else "") + join_words(words)
        report({"final": {"text": text, "until_s": words[-1].start_s}})

    with subscribe_to_own(lambda now: report(describe_snapshot(now)), report_words):
        outcome: Outcome = process_recording(encode_path(source), parameters)  # type: ignore[call-overload]
    return {"out": outcome["out"], **{name: outcome[name] for name in REPORTED}}  # type: ignore[literal-required]


def locate_translations(settings: Settings) -> Path:
    """The folder of the tables in English, beside that of the settings."""
    from flows.locations import resolve_out

    out = resolve_out(settings)
    return out.with_name(f"{out.name}-in-english")


def render(
    _report: Report,
    *,
    source: str,
    parameters: dict[str, Any],
    result: dict[str, Any],
    digest: str,
    known: Sequence[dict[str, Any]],
    shape_: dict[str, Any],
    after_s: float | None,
    target: str,
) -> dict[str, Any]:
    """Write the wanted body of a published recording into the file `target`. `after_s`: as of `write_events`.

    Returns {"replaced": True}, and writes nothing, where another run with other settings has replaced its tables.
    """
    from flows.http.events import write_events
    from tasks.dataset.read import read_transcript

    settings = load(parameters)
    wanted = replace(Shape(**shape_), translated=settings.transcription.into_english)
    try:
        transcript = read_transcript(Path(result["out"]), result["recording_id"])
    except UsageError:  # removed since
        return {"replaced": True}
    if transcript.run.run_id != result["run_id"] and transcript.run.settings_digest != digest:
        return {"replaced": True}
    if wanted.format == "diarized_json" and transcript.words and not transcript.speakers:
        raise UsageError("response_format = diarized_json: diarization.engine = off here, so no speaker is known.")
    transcript = apply_names(transcript, name_known(transcript, known, settings))
    with open(target, "w", encoding="utf-8", errors="replace", newline="") as file:
        if wanted.format.startswith("events"):
            diarized = wanted.format == "events_diarized"
            logprobs = wanted.logprobs
            file.writelines(write_events(transcript, diarized=diarized, logprobs=logprobs, after_s=after_s))
        else:
            file.write(shape(transcript, wanted))
    return {"replaced": False}


def name_known(transcript: Transcript, known: Iterable[dict[str, Any]], settings: Settings) -> dict[str, str]:
    """Find which speakers are those whom a request names with a sound of each; label -> name.

    A speaker is one by `voices.threshold` and `voices.margin`, as people of the registry are.
    """
    references = [each for each in known if each["reference"]]
    measured = [s for s in transcript.speakers if s.embedding]
    if not references or not measured:
        return {}
    import numpy as np

    from flows.speakers.enrol import measure_voice
    from flows.speakers.published import make_match_rule
    from tasks.voices.match import match_speakers, score_voices

    hearings = [measure_voice(Path(each["reference"]), settings)[0] for each in references]
    size = len(hearings[0].embedding)
    speakers = np.array([s.embedding[:size] for s in measured], np.float32)
    names = list(dict.fromkeys(each["name"] for each in references))
    voice_of = np.array([names.index(each["name"]) for each in references])
    scores = score_voices(speakers, np.stack([h.embedding for h in hearings]), voice_of, len(names))
    matches = match_speakers(scores, make_match_rule(settings))
    return {s.label: names[m.voice] for s, m in zip(measured, matches, strict=True) if m.voice >= 0}


def describe_snapshot(now: Snapshot) -> dict[str, Any]:
    """What callers are told of a run's progress; times in seconds."""
    state = asdict(now)
    kept = ("stage", "duration_s", "done_s", "chunks", "chunks_done", "steps", "steps_done", "steps_cached")
    speed, remaining = now.speed, now.remaining_s
    return {name: state[name] for name in kept} | {
        "times_real_time": None if speed is None else round(speed, 2),
        "remaining_s": None if remaining is None else round(remaining, 1),
    }


def _start_server() -> None:
    """Start Prefect's server for this process's runs, unless that has been done."""
    global _server
    from flows.environment import import_prefect
    from flows.serving.own_server import RunServer

    with _starting:
        if _server is None:
            _server = RunServer(os.environ)
            _server.check()
        _server.begin()
        import_prefect()
        _server.wait()


OPERATIONS: dict[str, Callable[..., dict[str, Any]]] = {
    "check": check,
    "look": look,
    "run": run,
    "render": render,
    "measure_object": objects.measure,
    "fetch_object": objects.fetch,
}
