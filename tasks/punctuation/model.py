"""deepmultilingualpunctuation as an engine: words without punctuation -> the mark after each.

The package's class is kept, but for two things: its constructor fails with transformers 5 (it passes
`grouped_entities`), and its way of splitting long texts can clip or double words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.engines.memory import run_halving_batch
from tasks.sentences import PREDICTED_MARKS

NONE = "0"
"""The label of a word without a mark after it."""
CONTEXT_WORDS = 20
"""Words of context on each side of a piece of a long text."""
BATCH = 8


def load(model: str, device: str = "cpu") -> Any:
    """The engine from a folder with a token classification model in safetensors and its tokenizer."""
    from deepmultilingualpunctuation import PunctuationModel
    from transformers import pipeline
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()

    class Punctuation(PunctuationModel):  # type: ignore[misc]  # the package has no types
        """A loaded model: `restore` works on words; the package's own `restore_punctuation` works too."""

        def __init__(self) -> None:
            self.pipe = pipeline(
                "token-classification",
                model=model,
                device=device,
                aggregation_strategy="none",
                model_kwargs={"use_safetensors": True},
            )
            self.pipe.model.eval()

        def restore(self, words: list[str]) -> list[str]:
            """A label for each word: the mark that follows it (".", ",", "?", "-", ":") or "0" for none."""
            return _predict_labels(self.pipe, words)

        def predict(self, words: list[str]) -> list[list[Any]]:
            """As the package's: [word, label, score] for each word; the score is not computed."""
            return [[w, label, 1.0] for w, label in zip(words, self.restore(words), strict=True)]

        def languages(self) -> list[str]:
            """Codes of the languages the model says it knows; empty where it says nothing."""
            known = getattr(self.pipe.model.config, "languages", None)
            return [str(code) for code in known] if isinstance(known, list) else []

    return Punctuation()


def _predict_labels(pipe: Any, words: Sequence[str]) -> list[str]:
    """Predict each word's label from its last sub-token, as the package does; words without letters or digits get
    `NONE`."""
    tokenizer, model = pipe.tokenizer, pipe.model
    asked = [i for i, word in enumerate(words) if any(c.isalnum() for c in word)]
    bare = [_strip_marks(words[i]) for i in asked]
    if not bare:
        return [NONE] * len(words)
    room = _max_subtokens(tokenizer, model)
    tokens = tokenizer(bare, add_special_tokens=False, verbose=False)["input_ids"]
    lengths = [max(1, len(t)) for t in tokens]
    for i, length in enumerate(lengths):
        if length > room // 2:  # one word that alone would fill the model: its end decides
            bare[i] = tokenizer.decode(tokens[i][-(room // 4) :]).strip() or bare[i][-8:]
            lengths[i] = room // 2
    windows = list(split_into_pieces(lengths, room))
    found = run_halving_batch(lambda batch: _predict_windows(pipe, bare, windows, room, batch), BATCH, "punctuation")
    out = [NONE] * len(words)
    for i, label in zip(asked, found, strict=True):
        out[i] = label
    return out


def _predict_windows(
    pipe: Any, bare: Sequence[str], windows: Sequence[tuple[int, int, int, int]], room: int, at_a_time: int
) -> list[str]:
    import torch

    tokenizer, model = pipe.tokenizer, pipe.model
    found = [NONE] * len(bare)
    for k in range(0, len(windows), at_a_time):
        batch = windows[k : k + at_a_time]
        encoded = tokenizer(
            [bare[a:b] for a, b, _, _ in batch],
            is_split_into_words=True,
            truncation=True,
            max_length=room + tokenizer.num_special_tokens_to_add(),
            padding=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = model(**{name: t.to(model.device) for name, t in encoded.items()}).logits
        best = logits.argmax(dim=-1).tolist()
        for row, (start, _, first, last) in enumerate(batch):
            for token, word in enumerate(encoded.word_ids(row)):
                if word is not None and first <= start + word < last:
                    found[start + word] = str(model.config.id2label[best[row][token]])
    return found


def split_into_pieces(lengths: Sequence[int], room: int) -> Iterator[tuple[int, int, int, int]]:
    """(start, end, first, last): words [start, end) fit into `room` sub-tokens and decide words [first,
    last).

    Every word is decided once, with context around it where there is room. No word may be longer than half
    the room.

    >>> list(split_into_pieces([1] * 5, room=10))
    [(0, 5, 0, 5)]
    """
    total, first = len(lengths), 0
    while first < total:
        start, used = first, 0
        while start > 0 and first - start < CONTEXT_WORDS and used + lengths[start - 1] <= room // 4:
            start -= 1
            used += lengths[start]
        end = first
        while end < total and used + lengths[end] <= room:
            used += lengths[end]
            end += 1
        end = max(end, first + 1)
        last = end if end == total else max(first + 1, end - min(CONTEXT_WORDS, (end - first) // 4))
        yield start, end, first, last
        first = last


def _strip_marks(word: str) -> str:
    """Strip the marks that the model predicts from the ends of a word, as in its training data."""
    return word.strip(PREDICTED_MARKS) or word


def _max_subtokens(tokenizer: Any, model: Any) -> int:
    limit = min(int(tokenizer.model_max_length), int(getattr(model.config, "max_position_embeddings", 512)), 512)
    return limit - int(tokenizer.num_special_tokens_to_add()) - 2
