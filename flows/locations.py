"""Resolve settings on this machine: the folders of results and voices, the artifact store, the device."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tasks.errors import UsageError
from tasks.settings.home import cache, corrections, home, transcripts, voices
from tasks.settings.load import load
from tasks.settings.schema import Settings
from tasks.sharing import copies
from tasks.sharing.artifacts import SharedArtifactStore
from tasks.sharing.connect import check_objects
from tasks.sharing.publication import TRANSCRIPTS
from tasks.storage import remote
from tasks.storage.artifacts import ArtifactStore


def resolve_out(settings: Settings) -> Path:
    """Resolve the folder of the results as an absolute path; with shared storage, this machine's copy of them."""
    if settings.storage and not settings.out:
        return copies.mark_copy(settings.storage, TRANSCRIPTS)
    out = Path(settings.out).expanduser() if settings.out else transcripts()
    return out if out.is_absolute() else home() / out


def resolve_voices(settings: Settings) -> Path:
    """Resolve the folder of the voice registry as an absolute path; with shared storage, this machine's copy."""
    if settings.storage:
        return copies.mark_copy(settings.storage, "voices")
    given = settings.voices.store
    return home() / Path(given).expanduser() if given else voices()


def resolve_corrections(out: Path | None = None) -> Path:
    """Resolve the folder of what people corrected; with shared storage, this machine's copy. `out`: the folder of the
    results that it is about, where one is known: else the settings say whether machines share them."""
    storage = load().storage if out is None else copies.find_url(out)
    return copies.mark_copy(storage, "corrections") if storage else corrections()


def resolve_store(settings: Settings) -> ArtifactStore:
    """Resolve the artifact store. Raises UsageError where a URL cannot be reached or written."""
    if settings.storage:
        url = settings.storage
        check_objects(url)
        scratch = copies.locate_copy(url, "artifacts")
        return SharedArtifactStore(url, str(scratch), round(settings.storage_copy_gb * 1e9))
    given = settings.cache.store
    if given and "://" in given:
        remote.check_store(given)
    return ArtifactStore(given or str(cache() / "artifacts"))


def resolve_device(settings: Settings) -> Literal["cpu", "cuda"]:
    """Resolve `settings.device` on this machine; a GPU is looked for without importing torch.

    Raises UsageError for `cuda` without a CUDA device.
    """
    if settings.device == "cpu":
        return "cpu"
    import ctranslate2

    count = int(ctranslate2.get_cuda_device_count())
    if settings.device != "auto" and count == 0:
        raise UsageError(f"device = {settings.device}: no CUDA device is found here; use device = auto or cpu")
    absent = [str(number) for number in settings.list_gpus() if number >= count]
    if absent:
        raise UsageError(
            f"device = {settings.device}: there is no GPU {' or '.join(absent)}; this machine has {count}"
        )
    return "cuda" if count else "cpu"
