"""Build raw words of an engine's tokens: join sub-words, find the ends of words, and average their confidences.

Pure. A token's text begins with a blank where a word begins. SentencePiece writes that blank as `▁`
(`read_sentencepiece`), byte-level BPE as a byte among others (`join_bytes`). Times are seconds from the start of the
samples.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasks.engines.protocols import RawWord
from tasks.joining import is_unspaced

LONGEST_WORD_S = 0.4
LONGEST_LETTER_S = 0.1
"""A word lasts at most 0.4 s and 0.1 s for each of its characters, where only the start of the next is known."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of decoded text. `start_s`, `end_s`: None where the engine does not tell; `logprob`: natural logarithm
    of its probability, None where unknown."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    logprob: float | None = None


def build_words(tokens: Sequence[Token], stretch: int, end_s: float) -> list[RawWord]:
    """Build the raw words of one stretch of sound from its tokens, in order.

    A word's start is that of its first token. Its end is that of its last token; of an engine that gives starts only,
    the start of the next word, or what a word of its length lasts at most, whichever comes first, never later than
    `end_s`, the end of the stretch. Its confidence is the mean probability of its tokens. Letters of scripts without
    blanks between words are pieces of their own.

    >>> words = build_words([Token("▁Hel", 0.0), Token("lo", 0.2), Token("▁you", 0.5)], 0, 1.0)
    >>> [(w["word"], w["start"], w["end"]) for w in words]
    [(' Hello', 0.0, 0.5), (' you', 0.5, 1.0)]
    """
    words = [_join(part) for part in _split([read_sentencepiece(t) for t in tokens])]
    raw: list[RawWord] = []
    for i, word in enumerate(words):
        following = next((w.start_s for w in words[i + 1 :] if w.start_s is not None), end_s)
        start, end = word.start_s, word.end_s
        if start is not None:
            start = min(start, end_s)
            if end is None:
                longest = start + LONGEST_WORD_S + LONGEST_LETTER_S * len(word.text.strip())
                end = min(following, longest)
            end = max(start, min(end, end_s))
        probability = None if word.logprob is None else math.exp(min(0.0, word.logprob))
        raw.append(RawWord(start=start, end=end, word=word.text, probability=probability, stretch=stretch))
    return raw


def share_times(raw: Sequence[RawWord], start_s: float, end_s: float) -> list[RawWord]:
    """Give raw words shares of a span of sound by their length in characters: an estimate, where an engine times
    sentences but no words.

    >>> shared = share_times([{"word": " a"}, {"word": " bcd"}], 10.0, 12.0)
    >>> [(w["word"], w["start"], w["end"]) for w in shared]
    [(' a', 10.0, 10.5), (' bcd', 10.5, 12.0)]
    """
    lengths = [max(1, len(str(w["word"]).strip())) for w in raw]
    total, done = sum(lengths), 0
    out: list[RawWord] = []
    for word, length in zip(raw, lengths, strict=True):
        begin, until = (start_s + (end_s - start_s) * n / total for n in (done, done + length))
        done += length
        out.append(RawWord(**{**word, "start": begin, "end": until, "shared": True}))
    return out


def read_sentencepiece(token: Token) -> Token:
    """Read SentencePiece's mark of a blank.

    >>> read_sentencepiece(Token("▁who")).text
    ' who'
    """
    return replace(token, text=token.text.replace("▁", " ")) if "▁" in token.text else token


def join_bytes(tokens: Sequence[tuple[bytes, Token]]) -> list[Token]:
    """Convert tokens of byte-level BPE (GPT-2, Whisper), given as (bytes of its text, token), to text.

    A character may be divided among tokens; these become one. Bytes that are no UTF-8 become U+FFFD.
    """
    out: list[Token] = []
    waiting = b""
    held: list[Token] = []
    for text, token in tokens:
        waiting += text
        held.append(token)
        said = _decode_whole(waiting)
        if said is not None:
            out.append(replace(_join(held), text=said))
            waiting, held = b"", []
    if waiting:
        out.append(replace(_join(held), text=waiting.decode("utf-8", errors="replace")))
    return out


def read_bytes(text: str) -> bytes:
    """The bytes that a token of byte-level BPE stands for, whose characters stand for a byte each.

    >>> read_bytes("ĠcafÃ©").decode()
    ' café'
    """
    values = _byte_values()
    return bytes(values[c] for c in text)


def _decode_whole(data: bytes) -> str | None:
    """The text of bytes; None where their last character may still be incomplete."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return None
        return data.decode("utf-8", errors="replace")


def _split(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Divide tokens into words: one begins at a blank, and with each letter of a script without blanks."""
    word: list[Token] = []
    for token in tokens:
        if not token.text:
            continue
        is_new = token.text[0].isspace() or is_unspaced(token.text[0])
        if word and is_new and any(t.text.strip() for t in word):
            yield word
            word = []
        word.append(token)
    if any(t.text.strip() for t in word):
        yield word


def _join(tokens: Sequence[Token]) -> Token:
    """One token of several; its probability is their mean."""
    starts = [t.start_s for t in tokens if t.start_s is not None and (t.text.strip() or len(tokens) == 1)]
    known = [math.exp(min(0.0, t.logprob)) for t in tokens if t.logprob is not None and not math.isnan(t.logprob)]
    mean = sum(known) / len(known) if known else None
    return Token(
        "".join(t.text for t in tokens),
        starts[0] if starts else None,
        tokens[-1].end_s,
        None if mean is None else math.log(max(mean, 1e-9)),
    )


@functools.cache
def _byte_values() -> dict[str, int]:
    """The byte that each character of GPT-2's alphabet stands for: printable ones for themselves, the others for
    those from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    values = {chr(b): b for b in printable}
    hidden = [b for b in range(256) if b not in values.values()]
    return values | {chr(256 + i): b for i, b in enumerate(hidden)}
