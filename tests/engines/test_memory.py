"""Out-of-memory handling, and heap memory returned to the system from any thread."""

from __future__ import annotations

import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.engines.memory import is_out_of_memory, resident_mb, run_halving_batch, track_peak_memory, trim_heap
from tasks.errors import OutOfMemory
from tasks.settings.home import sample


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what its threads freed")
def test_what_threads_have_freed_goes_back() -> None:
    def work(kept: list[bytes]) -> None:
        # Pieces too small to be mapped by themselves; the last one stays, and holds the thread's memory open.
        pieces = [bytes(50_000) for _ in range(1000)]
        together.wait()
        kept.append(pieces.pop())

    kept: list[bytes] = []
    together = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(kept,)) for _ in range(4)]
    trim_heap()  # what other tests have freed could be taken again, and nothing would grow
    before = resident_mb()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = resident_mb()
    trim_heap()
    assert held - before > 20
    assert resident_mb() - before < 0.5 * (held - before)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc maps large blocks by themselves")
def test_a_process_of_engines_takes_its_pages_once() -> None:
    """As a network's layers do: large arrays that come and go."""
    code = """
import resource, sys
import numpy as np
from tasks.engines import memory
getattr(memory, sys.argv[1])()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(2):
    before = faults()
    for _ in range(50):
        np.ones(2 << 20)  # 16 MiB
    taken = faults() - before
memory.trim_heap()
print(taken, memory.resident_mb())
"""
    found = {}
    for mode in ("limit_heap_growth", "keep_heap_within_calls"):
        done = subprocess.run([sys.executable, "-c", code, mode], capture_output=True, text=True, check=True)
        found[mode] = [float(each) for each in done.stdout.split()]
    (mapped, plain_mb), (kept, kept_mb) = found["limit_heap_growth"], found["keep_heap_within_calls"]
    assert kept < 0.1 * mapped
    assert kept_mb < plain_mb + 10  # trimmed between calls


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="without /proc only a process's peak is known")
def test_the_memory_of_a_step_is_its_own_and_not_an_earlier_ones() -> None:
    before = resident_mb()
    with track_peak_memory() as outer_mb:
        with track_peak_memory() as peak_mb:
            held = np.ones(20 << 20)  # 160 MiB
            time.sleep(0.2)
            del held
            assert peak_mb() - before > 120
        with track_peak_memory() as later_mb:
            assert later_mb() - before < 60
        assert outer_mb() - before > 120


def limited(real: Any, batch_of: Callable[..., int], most: int) -> Callable[..., Any]:
    """The real thing, for which more than `most` at a time is too much."""
    import torch

    def called(*args: Any, **kwargs: Any) -> Any:
        if batch_of(*args, **kwargs) > most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(*args, **kwargs)

    return called


def test_work_is_halved_until_it_fits() -> None:
    tried: list[int] = []

    def work(size: int) -> int:
        tried.append(size)
        if size > 3:
            raise MemoryError
        return size

    assert run_halving_batch(work, 20, "work") == 2
    assert tried == [20, 10, 5, 2]


def test_what_never_fits_says_what_to_do_and_is_transient() -> None:
    def work(_: int) -> None:
        raise RuntimeError("CUDA failed with error out of memory")

    with pytest.raises(OutOfMemory, match="work: out of memory, even for the smallest piece"):
        run_halving_batch(work, 4, "work")


@pytest.mark.parametrize(
    "said",
    [
        "CUDA failed with error out of memory",
        "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_each_library_has_its_own_words_for_it(said: str) -> None:
    assert is_out_of_memory(RuntimeError(said))


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("shapes differ")])
def test_other_errors_are_not_tried_again(error: Exception) -> None:
    tried: list[int] = []

    def work(size: int) -> None:
        tried.append(size)
        raise error

    with pytest.raises(type(error)):
        run_halving_batch(work, 4, "work")
    assert tried == [4]


def test_a_smaller_batch_gives_the_same_voices(demo_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.diarization.speaker_model import load

    model = load(str(demo_models / "speaker.nemo"))
    sound = np.random.default_rng(0).normal(0, 0.1, 20 * 16_000).astype(np.float32)
    where = np.array([[i * 0.75, i * 0.75 + 1.5] for i in range(20)])
    expected = model.embed(sound, where)
    inner: Any = model._model
    monkeypatch.setattr(inner, "forward", limited(inner.forward, lambda input_signal, **_: len(input_signal), 5))
    assert model.embed(sound, where) == pytest.approx(expected, abs=1e-4)


def test_smaller_pieces_give_nearly_the_same_vocals(demo_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.separation.demucs import load

    model = load(str(demo_models / "separation"))
    sound = np.random.default_rng(0).normal(0, 0.1, 12 * 16_000).astype(np.float32)
    expected = model.vocals(sound)
    monkeypatch.setattr(model, "_separate", limited(model._separate, len, 8 * 44_100))
    assert model.vocals(sound) == pytest.approx(expected, abs=0.05)


def test_a_smaller_batch_gives_the_same_words(demo_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faster_whisper.audio import decode_audio

    from tasks.transcription.whisper import load

    model = load(str(demo_models / "whisper"), compute_type="float32", cpu_threads=1)
    sound = decode_audio(str(sample()))[: 30 * 16_000]
    stretches = [(0.0, 10.0), (10.0, 20.0), (20.0, 30.0)]
    expected = model.transcribe(sound, stretches, "en", {"batch_size": 4})
    batched: Any = model._batched
    monkeypatch.setattr(
        batched, "transcribe", limited(batched.transcribe, lambda *_, batch_size, **__: batch_size, 1)
    )
    again = model.transcribe(sound, stretches, "en", {"batch_size": 4})
    assert [w["word"] for w in again] == [w["word"] for w in expected]
    assert len(again) > 20
