"""Prepare a run before its first step: resolve weights, device and folders; refuse what would fail later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flows.locations import resolve_device, resolve_out, resolve_store, resolve_voices
from flows.recording.runner_check import check_runner
from flows.translations import check_translation
from tasks.audio.decode import load
from tasks.dataset.publish import check_places
from tasks.diarization.engines import find_speaker_model
from tasks.engines import calls, registry
from tasks.engines.calls import EnginePool, Placement
from tasks.engines.memory import keep_heap_within_calls, limit_heap_growth
from tasks.engines.spec import Device, Step
from tasks.errors import UsageError
from tasks.exports import check_formats
from tasks.merging.replacements import Replacement, read_replacements
from tasks.settings.home import cache, home, keep_private, results
from tasks.settings.schema import Settings
from tasks.step import StepContext
from tasks.storage import disk_space
from tasks.storage.artifacts import ArtifactStore
from tasks.transcription.limits import check_settings
from tasks.weights import requirements, resolve
from tasks.weights.catalogue import Kind
from tasks.weights.formats import find_format
from tasks.weights.resolve import DeferredWeights, ResolvedWeights

MIN_TIMEOUT_S = 600.0
"""Shortest time limit of an engine's call, in seconds: loading large weights from a slow disk takes minutes."""


@dataclass(frozen=True)
class Run:
    """The settings of a run, resolved on this machine. `out`: the folder of the results."""

    settings: Settings
    place: StepContext
    weights: Mapping[str, ResolvedWeights]
    out: Path
    deferred: Mapping[str, DeferredWeights] = field(default_factory=dict)
    """Fetched when a chunk first needs them."""
    replacements: tuple[Replacement, ...] = ()

    @property
    def models(self) -> dict[str, str]:
        """Name and digest of the weights, by the step that uses them; without the deferred ones."""
        return {kind: describe_weights(w) for kind, w in sorted(self.weights.items())}


def describe_weights(found: ResolvedWeights | DeferredWeights) -> str:
    """Format name and digest of weights."""
    return f"{found.name} ({found.digest})"


def prepare(settings: Settings, engines: EnginePool = calls.default_pool) -> Run:
    """Resolve the settings on this machine, and refuse what would fail later. Raises `UsageError`, `MissingWeights`.

    `engines`: where this run's engines are, set up as the settings say. Has no effect but on it and this process.
    """
    check_formats(settings.exports.formats or ())
    check_runner(settings)
    if settings.translation.languages:
        check_translation(settings.translation)
    device = resolve_device(settings)
    check_engines(settings, device)
    replacements = read_own_replacements(settings)
    weights, deferred = find_weights(settings, device)
    if "embedding" in weights:
        check_speaker_engine(weights["embedding"])
    recogniser = weights["transcription"]
    folder = None if find_format(recogniser.kind).remote else recogniser.path
    check_settings(settings.transcription, recogniser.name, folder)
    set_up_process(settings)
    engines.configure(place_engines(settings))
    out, store = resolve_out(settings), resolve_store(settings)
    check_folders(settings, out, store)
    return Run(settings, StepContext(store, load, device, engines), weights, out, deferred, replacements)


def find_weights(settings: Settings, device: str) -> tuple[dict[str, ResolvedWeights], dict[str, DeferredWeights]]:
    """Find the weights, by step: those on this machine, and those to fetch when a chunk first needs them.

    Raises `MissingWeights`, naming all missing ones and the command to fetch them.
    """
    required = requirements.list_required(settings, device)
    resolve.check_available(required, requirements.format_fetch_command(settings, device))
    resolved = [resolve.resolve(kind, name) for kind, name in required]
    resolved += [resolve.name_remote(kind, name) for kind, name in requirements.list_remote(settings, device)]
    found = {get_step(each.kind): each for each in resolved}
    deferred = {}
    for kind, name in requirements.list_deferred(settings):
        weights = resolve.defer(kind, name)
        if isinstance(weights, ResolvedWeights):
            found[kind] = weights
        elif weights is not None:
            deferred[kind] = weights
    return found, deferred


def get_step(kind: Kind) -> str:
    """What weights of a kind are for, whichever engine reads them."""
    return kind.partition("/")[0]


def check_recogniser(settings: Settings) -> None:
    """Raise UsageError for settings that the recogniser's weights can't take, as far as can be told without them.

    Needs no network. Weights that are not on this machine are checked by `prepare`, when they have been fetched.
    """
    device = resolve_device(settings)
    read_own_replacements(settings)
    given = settings.transcription
    if not (given.language or given.languages or given.initial_prompt or given.hotwords or given.vocabulary):
        return
    wants = [*requirements.list_remote(settings, device), *requirements.list_required(settings, device)]
    kind, name = next(want for want in wants if get_step(want[0]) == "transcription")
    is_absent = find_format(kind).remote or resolve.list_absent([(kind, name)])
    check_settings(given, name, None if is_absent else resolve.resolve(kind, name).path)


def read_own_replacements(settings: Settings) -> tuple[Replacement, ...]:
    """Read the file that `transcription.replacements` names. Raises UsageError where it can't be read."""
    given = settings.transcription.replacements
    if given is None:
        return ()
    path = Path(given).expanduser()
    return read_replacements(path if path.is_absolute() or path.exists() else home() / path)


def check_engines(settings: Settings, device: Device) -> None:
    """Raise UsageError for an engine that lacks its package, can't use the device that was asked for, or would send
    sound away without permission."""
    asked: list[tuple[Step, str, str]] = [("transcription", "transcription.engine", settings.transcription.engine)]
    if settings.diarizes:
        asked.append(("diarization", "diarization.engine", settings.diarization.engine))
    if settings.transcription.aligns:
        asked.append(("alignment", "transcription.aligner", settings.transcription.aligner))
    for step, setting, name in asked:
        spec = registry.find(step, name)
        if obstacle := spec.find_obstacle():
            raise UsageError(f"{setting} = {name}: {obstacle}")
        if settings.device != "auto" and device not in spec.capabilities.devices:
            runs = " and ".join(spec.capabilities.devices)
            raise UsageError(f"device = {device}: {name} runs on {runs} alone. Set device = auto, or another engine")
        if spec.check_device:
            registry.load_object(spec.check_device)(spec.choose_device(device))
        if spec.capabilities.remote and not settings.transcription.allow_remote:
            host = "another machine"
            if spec.find_destination:
                host = registry.load_object(spec.find_destination)(getattr(settings, step, settings.transcription))
            if host:
                raise UsageError(
                    f"{setting} = {name}: it sends the recording's sound to {host}. Only "
                    "transcription.allow_remote = true lets it"
                )


def check_speaker_engine(model: ResolvedWeights) -> None:
    """Raise UsageError where the package is missing that opens this speaker model: its file tells which."""
    if obstacle := find_speaker_model(model.path).find_obstacle():
        raise UsageError(f"diarization.embedding_model = {model.name}: {obstacle}")


def set_up_process(settings: Settings) -> None:
    """Choose when freed memory returns to the system, and create files private to owner and group."""
    if settings.models.run_in != "process":
        limit_heap_growth()
    else:
        keep_heap_within_calls()
    keep_private()


def place_engines(settings: Settings) -> Placement:
    """Where engines run, and how many stay loaded for how long, as the settings say."""
    models = settings.models
    return Placement(
        models.keep,
        models.run_in,
        compute_timeout_s(settings),
        models.processes,
        settings.list_gpus(),
        None if models.idle_minutes is None else 60 * models.idle_minutes,
    )


def check_folders(settings: Settings, out: Path, store: ArtifactStore) -> None:
    """Check the folders that the run writes to. Raises `UsageError` for one that cannot be written or is occupied."""
    disk_space.check_writable(
        out=out, DAYLONG_HOME=cache(), PREFECT_LOCAL_STORAGE_PATH=results(), cache__store=store.root
    )
    check_places(out)
    if settings.voices.mode == "always":
        disk_space.check_writable(voices__store=resolve_voices(settings))


def compute_timeout_s(settings: Settings) -> float:
    """Time limit of an engine's call in seconds; the first call includes loading."""
    longest_s = 60 * settings.chunking.max_minutes + settings.chunking.overlap_s
    return max(MIN_TIMEOUT_S, settings.models.patience * longest_s)
