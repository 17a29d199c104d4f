"""Synthetic speech with exact word times: espeak-ng through ctypes, 16 kHz.

The library and its data come with the wheel `espeakng-loader`, so nothing has to be installed on the system.
One process holds one synthesiser (espeak-ng keeps global state): call from one thread.
"""

from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from functools import cache

import numpy as np
import soxr

SAMPLE_RATE = 16_000
LEVEL = 0.08
"""Root mean square of the sounding parts of what `speak` returns (full scale is 1)."""

_WORD_EVENT = 1
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_SYNCHRONOUS, _UTF8 = 2, 1
_FRAME = 80  # samples in 5 ms


@dataclass(frozen=True)
class Voice:
    """A speaker. `pitch` and `range` in espeak's 0–99, `rate` in words a minute.

    `tract` scales all formants (and the pitch with them), as a shorter (> 1) or longer vocal tract does:
    espeak's own variants lie close together for a small speaker model. `tilt` colours the spectrum: the
    coefficient of a one-zero filter, positive is brighter.
    """

    name: str
    variant: str
    sex: str
    pitch: int
    range: int
    rate: int
    tract: float = 1.0
    tilt: float = 0.0


VOICES: tuple[Voice, ...] = (
    Voice("ana", "en-us+f2", "female", 56, 52, 160, 1.08, 0.25),
    Voice("ben", "en-us+m3", "male", 42, 40, 152, 0.92, -0.30),
    Voice("carl", "en+m7", "male", 62, 62, 160, 1.07, 0.45),
    Voice("dora", "en-gb-x-rp+f4", "female", 42, 45, 146, 0.95, -0.20),
    Voice("emma", "en-us+f5", "female", 66, 60, 160, 1.14, 0.00),
    Voice("frank", "en-us+m1", "male", 40, 30, 142, 0.86, 0.20),
    Voice("grace", "en-gb-scotland+f3", "female", 36, 66, 150, 1.00, 0.60),
    Voice("henry", "en-gb-x-gbcwmd+m5", "male", 58, 50, 152, 1.00, -0.10),
)
"""Eight people who differ in formants, pitch, melody, tempo and accent; the first four meet in the sample."""

Word = tuple[str, float, float]
"""A word as written and its first and last sound in seconds."""


class _Event(c.Structure):
    _fields_ = [
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", c.c_char * 8),
    ]


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


class _Espeak:
    """The library, opened once; collects the samples and the word events of one call."""

    def __init__(self) -> None:
        import espeakng_loader

        self.library = c.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate = self.library.espeak_Initialize(_SYNCHRONOUS, 0, c.c_char_p(data), 0)
        if self.sample_rate <= 0:
            raise RuntimeError("espeak-ng could not read its data")
        self._callback = _Callback(self._receive)  # kept, or it would be collected while the library calls it
        self.library.espeak_SetSynthCallback(self._callback)
        self._pieces: list[np.ndarray] = []
        self._starts: list[tuple[int, float]] = []

    def _receive(self, samples, count, events) -> int:
        if count > 0 and samples:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768)
        i = 0
        while events[i].type:
            if events[i].type == _WORD_EVENT:
                self._starts.append((events[i].text_position - 1, events[i].audio_position / 1000))
            i += 1
        return 0

    def say(self, text: str, variant: str, rate: int, pitch: int, range_: int):
        """-> (samples, sample rate, [(offset of a word in the text, its start in seconds)])."""
        self._pieces, self._starts = [], []
        if self.library.espeak_SetVoiceByName(variant.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {variant!r}")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, range_)):
            self.library.espeak_SetParameter(parameter, value, 0)
        self.library.espeak_ng_SetRandSeed(c.c_long(1))  # breathy voices have noise in them, else seeded by time
        data = text.encode()
        self.library.espeak_Synth(c.c_char_p(data), c.c_size_t(len(data) + 1), 0, 1, 0, _UTF8, None, None)
        return np.concatenate(self._pieces), self.sample_rate, self._starts


@cache
def _espeak() -> _Espeak:
    return _Espeak()


def speak(text: str, voice: Voice, rate_scale: float = 1.0, pitch_shift: int = 0) -> tuple[np.ndarray, list[Word]]:
    """One sentence in a voice -> (float32 samples at 16 kHz, its words with their times in seconds).

    The samples begin and end with sound and have the level `LEVEL`. The same calls in the same
    order give the same samples; a call on its own may differ by the phase of the breath that it begins with.
    """
    raw, rate_in, starts = _espeak().say(
        text,
        voice.variant,
        round(voice.rate * rate_scale / voice.tract),
        int(np.clip(voice.pitch + pitch_shift, 0, 99)),
        voice.range,
    )
    x = soxr.resample(raw, rate_in * voice.tract, SAMPLE_RATE).astype(np.float32)
    x[1:] = x[1:] - voice.tilt * x[:-1]
    loud = _loud_frames(x)
    first, last = int(np.argmax(loud)) * _FRAME, (len(loud) - int(np.argmax(loud[::-1]))) * _FRAME
    words = _word_times(text, [(p, t / voice.tract) for p, t in starts], loud)
    x = x[first:last]
    x *= LEVEL / np.sqrt(np.mean(np.square(x)) + 1e-12)
    offset, length = first / SAMPLE_RATE, len(x) / SAMPLE_RATE
    return x, [(w, max(0.0, a - offset), min(b - offset, length)) for w, a, b in words]


def _loud_frames(x: np.ndarray) -> np.ndarray:
    """For every 5 ms: is there sound, that is, more than 1/200 (-46 dB) of the loudest frame?"""
    n = len(x) // _FRAME
    rms = np.sqrt(np.mean(np.square(x[: n * _FRAME].reshape(n, _FRAME)), axis=1))
    return rms > rms.max() / 200


def _word_times(text: str, starts: list[tuple[int, float]], loud: np.ndarray) -> list[Word]:
    """Start and end of each word: from event to event, without the silence at the end (a comma, say).

    espeak speaks a few pairs of words ("of the") as one: those share their time by their letters.
    """
    words, places, position = text.split(), [], 0
    for word in words:
        places.append(position)
        position += len(word) + 1
    at = dict(reversed(starts))
    known = [i for i, p in enumerate(places) if p in at]
    if not known or known[0] != 0:
        at[0], known = 0.0, [0, *known]
    out: list[Word] = []
    for i, j in zip(known, [*known[1:], len(words)], strict=True):
        begin = at[places[i]]
        end = at[places[j]] if j < len(words) else len(loud) * _FRAME / SAMPLE_RATE
        a, b = round(begin * SAMPLE_RATE / _FRAME), round(end * SAMPLE_RATE / _FRAME)
        sounding = np.flatnonzero(loud[a:b])
        if len(sounding):
            begin, end = (
                (a + sounding[0]) * _FRAME / SAMPLE_RATE,
                (a + sounding[-1] + 1) * _FRAME / SAMPLE_RATE,
            )
        letters = np.cumsum([0, *(len(w) for w in words[i:j])])
        edges = begin + (end - begin) * letters / letters[-1]
        out += [(w, float(edges[k]), float(edges[k + 1])) for k, w in enumerate(words[i:j])]
    return out
