"""The tiers of TextGrids that forced aligners write: several for a speaker, of which the words' are wanted.

| aligner | tiers of a speaker |
| --- | --- |
| Montreal Forced Aligner | `ana - words`, `ana - phones`, or `words`, `phones` where a file has one speaker |
| FAVE, P2FA | `ana - word`, `ana - phone` |
| WebMAUS | `ORT-MAU`, `KAN-MAU`, `MAU`, with TRN of whole utterances |
| SPPAS | `TokensAlign`, `PhonAlign` |
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = r"words?|ort-mau|tokensalign"
_UTTERANCES = r"utterances?|sentences?|phrases?|transcripts?|transcription|ortho"
_PARTS = r"phones?|phonemes?|phons?|segments?|syllables?|sylls?|morphemes?|graphemes?|kan-mau|phonalign|syllalign"
_TIER = re.compile(
    r"(?:(?P<speaker>.*?)(?:\s*[-–—:/|_]\s*|\s+))?"
    rf"(?:(?P<words>{_WORDS})|(?P<utterances>{_UTTERANCES})|(?P<parts>{_PARTS}))",
    re.IGNORECASE,
)
_WEBMAUS_PARTS = frozenset({"MAU", "MAS", "KAN", "ORT", "TRN"})
"""Beside `ORT-MAU`; elsewhere Mau, Kan and Mas may be people."""
_SILENCE = frozenset({"sil", "sp", "<eps>", "<sil>", "<p:>", "<p>", "silence", "_", "#"})
_NOISE = frozenset({"spn", "<spn>", "<unk>", "<usb>", "<nib>", "{ns}", "{lg}", "{cg}", "{br}"})


def choose_tiers(names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Map the tiers that hold a speaker's words or utterances to the speaker; list those to be left out.

    A speaker's words are taken before the utterances. "" stands for a speaker that the aligner does not name. Tiers
    with any other name are speakers.

    >>> choose_tiers(["ana - words", "ana - phones", "ben"])
    ({'ana - words': 'ana', 'ben': 'ben'}, ['ana - phones'])
    >>> choose_tiers(["words", "phones"])
    ({'words': ''}, ['phones'])
    """
    by_webmaus = any(name.strip() == "ORT-MAU" for name in names)
    found = [
        (name, _TIER.fullmatch(name.strip())) for name in names if not (by_webmaus and name.strip() in _WEBMAUS_PARTS)
    ]
    aligned = any(match and (match["words"] or match["parts"]) for _, match in found)
    if not aligned:
        return {name: name for name in names}, []
    tiers_of: dict[str, list[tuple[int, str]]] = {}
    for name, match in found:
        if match is None or not match["parts"]:
            speaker = name if match is None else match["speaker"] or ""
            rank = 0 if match is not None and match["words"] else 1
            tiers_of.setdefault(speaker.strip(), []).append((rank, name))
    chosen = {min(own, key=lambda tier: tier[0])[1]: speaker for speaker, own in tiers_of.items()}
    return {name: chosen[name] for name in names if name in chosen}, [name for name in names if name not in chosen]


def clean_label(label: str) -> str | None:
    """A label of an aligner's tier: None for silence, "" for speech or noise without a word.

    >>> [clean_label(label) for label in ("hello", "sp", "spn", "<eps>")]
    ['hello', None, '', None]
    """
    text = label.strip()
    if text.lower() in _SILENCE:
        return None
    return "" if text.lower() in _NOISE else text
