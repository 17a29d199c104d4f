"""What a run needs before its first step: weights, a device, a place for results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.locations import resolve_device, resolve_out, resolve_store, resolve_voices
from tasks.audio.decode import load
from tasks.dataset.publish import check_places
from tasks.engines import calls
from tasks.engines.memory import limit_heap_growth
from tasks.settings.home import cache, keep_private, results
from tasks.settings.schema import Settings
from tasks.step import StepContext
from tasks.storage import disk_space
from tasks.storage.artifacts import ArtifactStore
from tasks.weights import resolve
from tasks.weights.catalogue import Kind
from tasks.weights.resolve import ResolvedWeights

LOADING_S = 600.0
"""Large weights from a slow disk take minutes."""


@dataclass(frozen=True)
class Run:
    """The settings of a run, resolved on this machine."""

    settings: Settings
    place: StepContext
    weights: Mapping[Kind, ResolvedWeights]
    out: Path

    @property
    def models(self) -> dict[str, str]:
        """Name and digest of each model, by the step that uses it."""
        return {kind: called(w) for kind, w in sorted(self.weights.items())}


def called(found: ResolvedWeights) -> str:
    """Name and digest of weights."""
    return f"{found.name} ({found.digest})"


def prepare(settings: Settings) -> Run:
    """Resolve the settings on this machine, and refuse what would fail later. Raises `UsageError`, `MissingWeights`.

    Changes nothing but the process: `set_up_process` says how.
    """
    device = resolve_device(settings)
    weights = find_weights(settings, device)
    set_up_process(settings)
    out, store = resolve_out(settings), resolve_store(settings)
    check_folders(settings, out, store)
    return Run(settings, StepContext(store, load, device), weights, out)


def find_weights(settings: Settings, device: str) -> dict[Kind, ResolvedWeights]:
    """Weights by step. Raises `MissingWeights`, naming all that are missing and what fetches them."""
    wants = resolve.list_required(settings, device)
    resolve.check_available(wants, resolve.format_fetch_command(settings, device))
    return {kind: resolve.resolve(kind, name) for kind, name in wants}


def set_up_process(settings: Settings) -> None:
    """Memory returned to the system early, files private to owner and group, engines where the settings want them."""
    limit_heap_growth()
    keep_private()
    calls.configure(settings.models.keep, settings.models.run_in, patience_s(settings))


def check_folders(settings: Settings, out: Path, store: ArtifactStore) -> None:
    """Raises `UsageError` where a folder that the run writes to can't be written, or holds something else."""
    disk_space.check_writable(
        out=out, DAYLONG_HOME=cache(), PREFECT_LOCAL_STORAGE_PATH=results(), cache__store=store.root
    )
    check_places(out)
    if settings.voices.mode == "always":
        disk_space.check_writable(voices__store=resolve_voices(settings))


def patience_s(settings: Settings) -> float:
    """Seconds that a call of an engine may take; a first call may have to load it."""
    longest_s = 60 * settings.chunking.max_minutes + settings.chunking.overlap_s
    return max(LOADING_S, settings.models.patience * longest_s)
