"""`daylong models`: what is needed, and having it here, from a hub on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.settings.schema import DiarizationSettings, PunctuationSettings, Settings, TranscriptionSettings
from tasks.weights.requirements import format_fetch_command
from tests.helpers.model_hub_server import HubFaults, run_model_hub

ROOT = Path(__file__).resolve().parents[3]
WHISPER = {"config.json": b"{}", "model.bin": b"whisper" * 1000, "tokenizer.json": b"[1]", "vocabulary.json": b"[]"}
VOICE = {"voice.nemo": b"voice" * 1000}
PICKLES = {"pytorch_model.bin": b"pickle", "weights.pt": b"pickle", "weights.th": b"pickle", "README.md": b"hello"}
CHUNK = 10 * 1024 * 1024
"""So many bytes does huggingface_hub write at a time."""


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A hub's folder with a recogniser and a speaker model."""
    for name, files in {"whisper": WHISPER | PICKLES, "voice": VOICE | PICKLES}.items():
        folder = tmp_path / "hub" / "someone" / name
        folder.mkdir(parents=True)
        for file, data in files.items():
            (folder / file).write_bytes(data)
    return tmp_path / "hub"


# huggingface_hub reads its environment once, when it is imported: each command is a process of its own.


def models(
    tmp_path: Path, *arguments: str, endpoint: str = "http://127.0.0.1:9", before: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "DAYLONG_", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-c", f"{before}\nfrom flows.cli.main import main; main()", "models", *arguments],
        env={
            **clean,
            "HF_HOME": str(tmp_path / "cache"),
            "HF_ENDPOINT": endpoint,
            "DAYLONG_HOME": str(tmp_path),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )


SETTINGS = (
    "device=cpu",
    "transcription.model=someone/whisper",
    "diarization.embedding_model=someone/voice",
    "punctuation.mode=never",
)


def fetch(
    tmp_path: Path, endpoint: str = "http://127.0.0.1:9", *more: str, before: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    given = [word for setting in (*SETTINGS, *more) for word in ("--set", setting)]
    return models(tmp_path, "fetch", *given, endpoint=endpoint, before=before, **environment)


def blobs(tmp_path: Path) -> dict[str, Path]:
    """What the cache shows, by name, and the file behind each."""
    return {p.name: p.resolve() for p in (tmp_path / "cache").rglob("snapshots/*/*")}


def test_what_is_needed_is_fetched_once_with_the_token_and_without_pickles(tmp_path: Path, served: Path) -> None:
    faults = HubFaults(token="hf_secret")
    with run_model_hub(served, faults) as endpoint:
        first = fetch(tmp_path, endpoint, HF_TOKEN="hf_secret")
    assert (first.returncode, first.stdout.splitlines()) == (
        0,
        [
            "transcription someone/whisper: fetched and checked, 7 kB",
            "embedding someone/voice: fetched and checked, 5 kB",
            "All is here.",
        ],
    )
    assert first.stderr.splitlines() == ["transcription someone/whisper: 7 kB …", "embedding someone/voice: 5 kB …"]
    assert {name: file.read_bytes() for name, file in blobs(tmp_path).items()} == WHISPER | VOICE
    assert sorted(name for name, _ in faults.sent_files) == sorted(WHISPER | VOICE)

    again = fetch(tmp_path, HF_HUB_OFFLINE="1")
    assert (again.returncode, again.stderr) == (0, "")
    assert "transcription someone/whisper: already there, 7 kB" in again.stdout


def test_a_damaged_cache_is_mended_and_only_what_is_damaged_is_fetched(tmp_path: Path, served: Path) -> None:
    faults = HubFaults()
    with run_model_hub(served, faults) as endpoint:
        fetch(tmp_path, endpoint)
        was = blobs(tmp_path)
        was["model.bin"].write_bytes(WHISPER["model.bin"][:400])
        was["voice.nemo"].write_bytes(VOICE["voice.nemo"][::-1])
        faults.sent_files.clear()
        again = fetch(tmp_path, endpoint)
    assert again.returncode == 0, again.stderr
    assert sorted(faults.sent_files) == [("model.bin", None), ("voice.nemo", None)]
    assert {name: file.read_bytes() for name, file in blobs(tmp_path).items()} == WHISPER | VOICE


def test_a_wrong_checksum_is_refused_and_the_other_model_fetched(tmp_path: Path, served: Path) -> None:
    with run_model_hub(served, HubFaults(corrupted_files={"model.bin"})) as endpoint:
        done = fetch(tmp_path, endpoint)
    assert done.returncode == 1
    assert "someone/whisper: cannot be fetched: model.bin arrived with a wrong checksum and was thrown away" in (
        done.stderr
    )
    assert "embedding someone/voice: fetched" in done.stdout
    assert [p for p in (tmp_path / "cache").rglob("blobs/*") if p.read_bytes() == WHISPER["model.bin"][::-1]] == []


@pytest.mark.slow  # waits for the client to give up
def test_when_the_hub_goes_away_the_next_fetch_goes_on_from_there(tmp_path: Path, served: Path) -> None:
    large = bytes(range(256)) * (5 * CHUNK // 512)
    (served / "someone" / "whisper" / "model.bin").write_bytes(large)
    faults = HubFaults(cut_after_bytes=CHUNK + CHUNK // 2)
    with run_model_hub(served, faults) as endpoint:
        broken = fetch(tmp_path, endpoint)
        assert broken.returncode == 1
        lines = broken.stderr.splitlines()
        assert any("someone/whisper: cannot be fetched: 127.0.0.1:" in x and "went away" in x for x in lines)
        (partial,) = (tmp_path / "cache").rglob("*.incomplete")
        assert partial.stat().st_size == CHUNK
        assert "incomplete" in state(tmp_path, "someone/whisper")
        faults.cut_after_bytes = None
        faults.sent_files.clear()
        done = fetch(tmp_path, endpoint)
    assert done.returncode == 0, done.stderr
    assert f"transcription someone/whisper: {(len(large) - CHUNK) / 1e6:.0f} MB …" in done.stderr
    assert ("model.bin", f"bytes={CHUNK}-") in faults.sent_files
    assert blobs(tmp_path)["model.bin"].read_bytes() == large
    assert not partial.exists()


def state(tmp_path: Path, repository: str) -> str:
    code = f"from tasks.weights.resolve import check_presence; print(check_presence('transcription', {repository!r}))"
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout


def test_each_refusal_is_one_line_with_what_to_do(tmp_path: Path, served: Path) -> None:
    faults = HubFaults(status={"someone/whisper": 401, "someone/voice": 429})
    with run_model_hub(served, faults) as endpoint:
        done = fetch(tmp_path, endpoint, "punctuation.mode=always", "punctuation.model=no/body")
    assert (done.returncode, done.stdout) == (1, "")
    refused, hurried, unknown = done.stderr.splitlines()
    assert refused.startswith("transcription someone/whisper: cannot be fetched: 127.0.0.1:")
    assert "refuses access (401)" in refused
    assert "set HF_TOKEN" in refused
    assert "too many requests (429); wait 7 s" in hurried
    assert "no such repository or file (404); check the name" in unknown


def test_too_small_a_disk_is_refused_before_anything_is_fetched(tmp_path: Path, served: Path) -> None:
    small = (
        "import shutil, types\n"
        "shutil.disk_usage = lambda place: types.SimpleNamespace(free=9000 if str(place) == {!r} else 0)"
    )
    faults = HubFaults()
    with run_model_hub(served, faults) as endpoint:
        done = fetch(tmp_path, endpoint, before=small.format(str(tmp_path)))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"needs 12 kB, free 9 kB at {tmp_path}/cache/hub; make room, or let HF_HOME name a folder on a larger disk"
    ]
    assert faults.sent_files == []


def test_no_network_is_said_once_for_each_model(tmp_path: Path) -> None:
    done = fetch(tmp_path)
    assert done.returncode == 1
    whisper, voice = (line.split(" cannot be reached")[0] for line in done.stderr.splitlines())
    assert whisper == "transcription someone/whisper: cannot be fetched: 127.0.0.1:9"
    assert voice == "embedding someone/voice: cannot be fetched: 127.0.0.1:9"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--profile", "big"], "profile"),
        (["--set", "transcription.model=smal", "--set", "device=cpu"], "faster-whisper knows"),
    ],
)
def test_wrong_settings_are_wrong_usage(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = models(tmp_path, "fetch", *arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_the_bundled_weights_need_no_fetching(tmp_path: Path) -> None:
    done = models(tmp_path, "fetch", "--profile", "demo", "--set", "device=cpu", "--set", "diarization.engine=off")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "All of these come with Daylong: nothing to fetch."


def test_the_list_tells_what_each_profile_needs_and_what_is_here(tmp_path: Path) -> None:
    begun = tmp_path / "cache" / "hub" / "models--Systran--faster-whisper-small" / "blobs"
    begun.mkdir(parents=True)
    (begun / "0123.incomplete").write_bytes(b"half")
    done = models(tmp_path, "list")
    assert done.returncode == 0, done.stderr
    rows = {line.split(")")[1].split()[0]: line for line in done.stdout.splitlines() if " (" in line and "  " in line}
    assert rows["small"].split()[:3] == ["standard", "490", "MB"]
    assert rows["small"].endswith("incomplete")
    assert "mobiuslabsgmbh/faster-whisper-large-v3-turbo" in rows["large-v3-turbo"]
    assert rows["large-v3-turbo"].endswith("no")
    assert "not known" in rows["htdemucs"]
    assert rows["demo:punctuation"].endswith("bundled")
    assert f"Cache: {tmp_path}/cache/hub" in done.stdout


def test_what_is_missing_is_fetched_by_a_command_that_fits_the_settings() -> None:
    assert format_fetch_command(Settings(), "cpu") == "daylong models fetch"
    assert format_fetch_command(Settings(), "cuda") == "daylong models fetch --set device=cuda"
    other = Settings(
        transcription=TranscriptionSettings(model="my models/whisper"),
        diarization=DiarizationSettings(engine="sortformer"),
        punctuation=PunctuationSettings(mode="always"),
    )
    assert format_fetch_command(other, "cuda") == (
        "daylong models fetch --set 'transcription.model=my models/whisper' "
        "--set diarization.engine=sortformer --set punctuation.mode=always"
    )
