"""deepmultilingualpunctuation with transformers 5: a label for every word, whatever the words."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.punctuation.model import load, split_into_pieces

LABELS = ["0", ".", ",", "?", "-", ":"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An untrained model with a tokenizer that breaks words into letters: many sub-tokens, arbitrary labels."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForTokenClassification

    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = {t: i for i, t in enumerate(specials + sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokens = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokens.decoder = decoders.ByteLevel()
    tokens.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
        model_max_length=512,
    )
    torch.manual_seed(0)
    classifier = XLMRobertaForTokenClassification(
        XLMRobertaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=514,
            pad_token_id=1,
            num_labels=len(LABELS),
            id2label=dict(enumerate(LABELS)),
            label2id={label: i for i, label in enumerate(LABELS)},
        )
    )
    folder = tmp_path_factory.mktemp("punctuation")
    classifier.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load(str(folder))


@pytest.fixture(scope="module")
def trained(demo_models: Path) -> Any:
    return load(str(demo_models / "punctuation"))


@given(st.lists(st.integers(1, 10), min_size=1, max_size=300), st.integers(20, 90))
def test_every_word_is_decided_once_and_every_piece_fits(lengths: list[int], room: int) -> None:
    decided = []
    for start, end, first, last in split_into_pieces(lengths, room):
        assert start <= first < last <= end
        assert sum(lengths[start:end]) <= room
        decided += list(range(first, last))
    assert decided == list(range(len(lengths)))


@pytest.mark.parametrize(
    "words",
    [
        [],
        [".", "?", "…"],
        ["hello"],
        ["yeah"] * 700,
        ["internationalization"] * 230,
        ["наблюдательность"] * 120,
        ["a" * 3000, "b"],
        ["", " ", "x", "\0", "<s>", "</s>", "<mask>", "3.14", "𝕏", "it's"] * 30,
    ],
    ids=["none", "marks", "one", "repeated", "long", "cyrillic", "huge", "hostile"],
)
def test_every_word_gets_a_label(model: Any, words: list[str]) -> None:
    labels = model.restore(words)
    assert len(labels) == len(words)
    assert set(labels) <= set(LABELS)


def test_words_without_letters_get_no_mark(model: Any) -> None:
    assert model.restore(["...", "-", "♪"]) == ["0", "0", "0"]


def test_the_packages_own_interface_still_works(model: Any) -> None:
    rng = random.Random(0)
    text = " ".join(rng.choice(["one", "two", "three"]) for _ in range(300))
    marked = model.restore_punctuation(text)
    assert "".join(c for c in marked if c.isalpha()) == text.replace(" ", "")


def test_the_bundled_model_ends_sentences(trained: Any) -> None:
    labels = trained.restore(
        ["good", "morning", "everyone", "can", "you", "send", "the", "report", "on", "Monday", "yes", "I", "can"]
    )
    assert len(labels) == 13
    assert "?" in labels or "." in labels


def test_a_smaller_batch_gives_the_same_labels(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    words = [f"word{n}" for n in range(400)]
    expected = model.restore(words)
    sizes: list[int] = []
    real = model.pipe.model.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        sizes.append(len(kwargs["input_ids"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return real(*args, **kwargs)

    monkeypatch.setattr(model.pipe.model, "forward", forward)
    assert model.restore(words) == expected
    assert sizes[0] > 2
    assert sizes[-1] <= 2
