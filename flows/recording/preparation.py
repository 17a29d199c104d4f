"""What a run needs before its first step: weights, a device, a place for results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.audio.decode import load
from tasks.dataset.publish import check_places
from tasks.engines import calls
from tasks.engines.memory import hold_less
from tasks.errors import UsageError
from tasks.settings.home import cache, home, keep_private, results, transcripts, voices
from tasks.settings.schema import Settings
from tasks.step import Place
from tasks.storage import disk_space, remote
from tasks.storage.artifacts import ArtifactStore
from tasks.weights import resolve
from tasks.weights.resolve import Kind, Weights

LOADING_S = 600.0
"""Large weights from a slow disk take minutes."""


@dataclass(frozen=True)
class Run:
    """The settings of a run, resolved on this machine."""

    settings: Settings
    place: Place
    weights: Mapping[Kind, Weights]
    out: Path

    @property
    def models(self) -> dict[str, str]:
        """Name and digest of each model, by the step that uses it."""
        return {kind: called(w) for kind, w in sorted(self.weights.items())}


def called(found: Weights) -> str:
    """Name and digest of weights."""
    return f"{found.name} ({found.digest})"


def prepare(settings: Settings) -> Run:
    """Find everything out that can fail before any work. Raises `UsageError` and `MissingWeights`."""
    hold_less()
    keep_private()
    device = device_of(settings)
    wants = resolve.wanted(settings, device)
    resolve.check(wants, resolve.fetch_command(settings, device))
    found = {kind: resolve.resolve(kind, name) for kind, name in wants}
    calls.configure(settings.models.keep, settings.models.run_in, patience_s(settings))
    out, store = out_of(settings), store_of(settings)
    disk_space.check_writable(
        out=out, DAYLONG_HOME=cache(), PREFECT_LOCAL_STORAGE_PATH=results(), cache__store=store.root
    )
    check_places(out)
    if settings.voices.mode == "always":
        disk_space.check_writable(voices__store=voices_of(settings))
    return Run(settings, Place(store, load, device), found, out)


def patience_s(settings: Settings) -> float:
    """Seconds that a call of an engine may take; a first call may have to load it."""
    longest_s = 60 * settings.chunking.max_minutes + settings.chunking.overlap_s
    return max(LOADING_S, settings.models.patience * longest_s)


def out_of(settings: Settings) -> Path:
    """The folder of the results, absolute."""
    out = Path(settings.out).expanduser() if settings.out else transcripts()
    return out if out.is_absolute() else home() / out


def voices_of(settings: Settings) -> Path:
    """The folder that remembers voices, absolute."""
    given = settings.voices.store
    return home() / Path(given).expanduser() if given else voices()


def store_of(settings: Settings) -> ArtifactStore:
    """The store of large values. Raises `UsageError` where a URL leads nowhere."""
    given = settings.cache.store
    if given and "://" in given:
        remote.check(given)
    return ArtifactStore(given or str(cache() / "artifacts"))


def device_of(settings: Settings) -> Literal["cpu", "cuda"]:
    """The device that `settings.device` means here; looks for a GPU without importing torch."""
    if settings.device == "cpu":
        return "cpu"
    import ctranslate2

    count = int(ctranslate2.get_cuda_device_count())
    if settings.device == "cuda" and count == 0:
        raise UsageError("device = cuda: no CUDA device is found here; use device = auto or cpu")
    return "cuda" if count else "cpu"
