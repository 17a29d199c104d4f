"""What the settings of places mean on this machine: folders of results and voices, the store, the device."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tasks.errors import UsageError
from tasks.settings.home import cache, home, transcripts, voices
from tasks.settings.schema import Settings
from tasks.storage import remote
from tasks.storage.artifacts import ArtifactStore


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
        remote.check_store(given)
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
