"""A vocabulary of Whisper's shape for few words: byte-level BPE in which every known word is one token.

Order of the ids: bytes, merges, the empty token, Whisper's specials in Whisper's order, 1,501 time tokens.
The empty token is there because CTranslate2 calls a model multilingual (and detects languages) if it has one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from data.recipes.lexicon import WORDS

_CODES = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml
cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am
yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su
"""
LANGUAGES: tuple[str, ...] = tuple(_CODES.split())
SECONDS = 30
TIME_STEP = 0.02
_SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{code}|>" for code in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)


def _byte_letters() -> list[str]:
    """The 256 letters by which byte-level BPE writes bytes (as in GPT-2)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return [chr(b) for b in shown] + [chr(256 + i) for i in range(len(hidden))]


@dataclass(frozen=True)
class Vocabulary:
    """Ids by token, and the merges that make words out of bytes."""

    ids: dict[str, int]
    merges: list[tuple[str, str]]

    @classmethod
    def build(cls) -> Vocabulary:
        ids = {letter: i for i, letter in enumerate(_byte_letters())}
        merges: list[tuple[str, str]] = []
        for word in WORDS:
            token = "Ġ"  # a space, in byte letters: Whisper's words carry the space before them
            for letter in word:
                if token + letter not in ids:
                    ids[token + letter] = len(ids)
                    merges.append((token, letter))
                token += letter
        for token in ("", *_SPECIALS):
            ids[token] = len(ids)
        return cls(ids, merges)

    def __len__(self) -> int:
        return len(self.ids) + round(SECONDS / TIME_STEP) + 1

    def word(self, word: str) -> int:
        return self.ids["Ġ" + word]

    def special(self, name: str) -> int:
        return self.ids[f"<|{name}|>"]

    def time(self, seconds: float) -> int:
        """The time token nearest to `seconds` (0–30)."""
        return len(self.ids) + min(max(round(seconds / TIME_STEP), 0), round(SECONDS / TIME_STEP))

    def write_tokenizer(self, path: Path) -> None:
        """tokenizer.json; the time tokens are implied by their ids, as in Whisper."""
        from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

        tokenizer = Tokenizer(models.BPE(vocab=self.ids, merges=self.merges))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([AddedToken(s, special=True) for s in _SPECIALS])
        # compact JSON: the file is read by programs
        path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False), encoding="utf-8")
