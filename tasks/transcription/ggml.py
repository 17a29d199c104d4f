"""Read the header of a model file of whisper.cpp (ggml), and check that it is whole, without the package.

whisper.cpp ends its process on some broken files, so that they are looked at before. Format: `ggml` magic; eleven
sizes; the mel filters; the vocabulary; tensors, each with its shape, type, name and data
(`models/convert-pt-to-ggml.py` and `whisper_model_load` of whisper.cpp).
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tasks.errors import MissingWeights

MAGIC = b"lmgg"
"""0x67676d6c in little-endian order."""
_WORDS = re.compile(
    rb"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+"
)  # `tokenize` of whisper.cpp, which knows no letters beyond ASCII
ENGLISH_VOCABULARY = 51864
"""Tokens of the models for English alone; multilingual ones have more."""
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
}  # fmt: skip
"""(weights, bytes) of a block, by the number of its type: f32, f16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_K to q6_K."""


@dataclass(frozen=True, slots=True)
class GgmlHeader:
    """What a file's header says: tokens, width, layers, mel bands."""

    vocabulary: int
    width: int
    encoder_layers: int
    decoder_layers: int
    mels: int

    @property
    def is_multilingual(self) -> bool:
        return self.vocabulary > ENGLISH_VOCABULARY

    @property
    def num_languages(self) -> int:
        """Languages of the vocabulary: 99, and one more since large-v3."""
        return self.vocabulary - 51766 if self.is_multilingual else 1


def find_model_file(path: Path) -> Path:
    """The model's file: `path` itself, or the one `.bin` file in this folder. Raises MissingWeights."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise MissingWeights(
            f"transcription.model = {path}: there is no such file or folder. The engine whisper-cpp downloads none"
        )
    found = sorted(p for p in path.glob("*.bin") if _has_magic(p))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(p.name for p in found)
        raise MissingWeights(f"transcription.model = {path}: several models there ({names}). Name one of the files")
    raise MissingWeights(f"transcription.model = {path}: no model of whisper.cpp (ggml-….bin) there")


def read_header(path: Path) -> GgmlHeader:
    """Read the header of a model's file. Raises MissingWeights where it is none."""
    with _open(path) as file:
        return _read_header(file, path)


def count_tokens(text: str, path: Path) -> int:
    """Count a prompt's tokens as whisper.cpp divides it: within words and runs of signs, the longest that it has."""
    known = _read_vocabulary(path)
    longest = max(map(len, known), default=1)
    total = 0
    for found in _WORDS.finditer(f" {text.strip()}".encode()):
        word, at = found[0], 0
        while at < len(word):
            ends = range(min(len(word), at + longest), at, -1)
            at = next((end for end in ends if word[at:end] in known), at + 1)
            total += 1
    return total


def _read_vocabulary(path: Path) -> frozenset[bytes]:
    """The texts of a model's tokens. Raises MissingWeights for a broken file."""
    with _open(path) as file:
        _read_header(file, path)
        try:
            rows, columns = struct.unpack("<2i", file.read(8))
            file.seek(4 * rows * columns, 1)
            (count,) = struct.unpack("<i", file.read(4))
            return frozenset(file.read(struct.unpack("<i", file.read(4))[0]) for _ in range(count))
        except (struct.error, OSError, ValueError):
            raise _cut_off(path) from None


def check_whole(path: Path) -> GgmlHeader:
    """Check that all that a model's file promises is there; return its header. Raises MissingWeights."""
    size = path.stat().st_size
    with _open(path) as file:
        try:
            header = _read_header(file, path)
            rows, columns = struct.unpack("<2i", file.read(8))
            file.seek(4 * rows * columns, 1)
            for _ in range(struct.unpack("<i", file.read(4))[0]):
                file.seek(struct.unpack("<i", file.read(4))[0], 1)
            tensors = 0
            while file.tell() < size:
                _skip_tensor(file)
                tensors += 1
        except (struct.error, OSError, ValueError):
            raise _cut_off(path) from None
        # Of each layer at least its attentions and its feed-forward network.
        if file.tell() > size or tensors < 12 * (header.encoder_layers + header.decoder_layers):
            raise _cut_off(path)
    return header


def _skip_tensor(file: BinaryIO) -> None:
    rank, length, kind = struct.unpack("<3i", file.read(12))
    if not 0 < rank <= 4 or not 0 < length < 256 or kind not in BLOCKS:
        raise ValueError("no tensor")
    shape = struct.unpack(f"<{rank}i", file.read(4 * rank))
    weights, size = BLOCKS[kind]
    file.seek(length + math.prod(shape) // weights * size, 1)


def _read_header(file: BinaryIO, path: Path) -> GgmlHeader:
    data = file.read(48)
    if data[:4] != MAGIC or len(data) < 48:
        raise MissingWeights(f"transcription.model = {path}: not a model of whisper.cpp (no ggml file)")
    vocabulary, _, width, _, encoder, _, _, _, decoder, mels, _ = struct.unpack("<11i", data[4:])
    if vocabulary < ENGLISH_VOCABULARY or mels not in (80, 128) or not 0 < width <= 8192:
        raise MissingWeights(f"transcription.model = {path}: its header is that of no Whisper")
    return GgmlHeader(vocabulary, width, encoder, decoder, mels)


def _has_magic(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == MAGIC
    except OSError:
        return False


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise MissingWeights(f"transcription.model = {path}: can't be read ({error.strerror})") from None


def _cut_off(path: Path) -> MissingWeights:
    return MissingWeights(f"transcription.model = {path}: the file is incomplete. Copy or download it again")
