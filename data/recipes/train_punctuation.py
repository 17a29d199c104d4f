"""Makes the demo profile's punctuation model: a small token classifier, a few minutes on a CPU.

    python -m data.recipes.train_punctuation

It learns from sentences of the small English and from turns of its dialogues, none of them the sample's; part of
the words is replaced by made-up ones or other ones and some are dropped, as a recogniser does. Its tokenizer takes
any text (byte-level) and ignores case. Written to --out: the model and its tokenizer, for transformers' pipeline
and for `deepmultilingualpunctuation`, whose labels it has.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor
from torch.nn import functional
from transformers import ModernBertConfig, ModernBertForTokenClassification, PreTrainedTokenizerFast

from data.recipes.averaging import AveragedWeights, learning_rate
from data.recipes.fresh_sentences import fresh_sentences
from data.recipes.lexicon import WORDS, dialogue, split_sentences
from data.recipes.measure_punctuation import f_scores
from data.recipes.roundtable_script import held_out, normalised

STEPS = 2000
WORDS_IN_BATCH = 400
PEAK_RATE = 5e-3
TOKENS = 512  # of the longest passage that the model takes
LABELS = ("0", ".", ",", "?", "-", ":")
"""Those of deepmultilingualpunctuation; the last two never occur in this English and are not learnt."""

_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_ONSETS = [*"bcdfghjklmnprstvw", "br", "cl", "dr", "fl", "gr", "pl", "sh", "st", "th", "tr"]
_RHYMES = [*"aeiou", "ay", "ee", "er", "al", "an", "ed", "en", "ing", "ion", "ort", "oss", "ust", "ine", "ory"]

Words = list[tuple[str, str]]
"""Words without punctuation, each with the label of what follows it."""


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level pieces, one for each word of the lexicon; other words become several. Case is ignored."""
    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator([" ".join(WORDS)] * 3, trainer)
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    names |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=TOKENS, **names)


def make_model(vocabulary: int) -> ModernBertForTokenClassification:
    """Three layers that look 16 pieces to either side: relative positions, so that any length is alike to them."""
    turning = {"rope_type": "default", "rope_theta": 30.0}  # fast: only near pieces have to be told apart
    config = ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=80,
        intermediate_size=120,
        num_hidden_layers=3,
        num_attention_heads=4,
        layer_types=["sliding_attention"] * 3,
        local_attention=32,
        rope_parameters={"sliding_attention": dict(turning), "full_attention": dict(turning)},
        max_position_embeddings=TOKENS,
        initializer_range=0.08,
        pad_token_id=1,
        bos_token_id=0,
        cls_token_id=0,
        eos_token_id=2,
        sep_token_id=2,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    return ModernBertForTokenClassification(config)


def labelled(text: str) -> Words:
    """
    >>> labelled("Yes, please. Why?")
    [('Yes', ','), ('please', '.'), ('Why', '?')]
    """
    return [(word.rstrip(".,?"), word[-1] if word[-1] in ".,?" else "0") for word in text.split()]


def passages(seed: int, rng: random.Random) -> Iterator[Words]:
    """Endless training passages: one to twenty sentences or turns, a third of them cut anywhere."""
    single = fresh_sentences(seed + 11)
    turns = fresh_turns(seed + 11)
    while True:
        source = single if rng.random() < 0.5 else turns
        words = [word for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4, 6, 20))) for word in labelled(next(source))]
        if rng.random() < 0.35 and len(words) > 6:
            begin = rng.randrange(len(words) - 4)
            words = words[begin : rng.randint(begin + 3, len(words))]
        yield list(disturb(words, rng))


def fresh_turns(seed: int) -> Iterator[str]:
    """Endless turns of dialogues that hold no sentence of the sample."""
    kept = held_out()
    while True:
        for _, text in dialogue(seed, 200):
            if not any(normalised(sentence) in kept for sentence in split_sentences(text)):
                yield text
        seed += 1000


def disturb(words: Words, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Errors of a recogniser and words that it may know and we do not; a label stays where its word is."""
    strange = 0.3 if rng.random() < 0.2 else 0.03
    for word, label in words:
        draw = rng.random()
        if draw < strange:
            word = "".join(rng.choice(_ONSETS) + rng.choice(_RHYMES) for _ in range(rng.randint(1, 3)))
        elif draw < strange + 0.03:
            word = rng.choice(WORDS)
        elif draw < strange + 0.045 and label == "0":
            continue
        yield word, label


def batches(seed: int) -> Iterator[list[Words]]:
    """Endless batches of about `WORDS_IN_BATCH` words; passages of a batch are of like length, to pad little."""
    rng = random.Random(seed)
    source = passages(seed, rng)
    while True:
        pool = sorted((next(source) for _ in range(400)), key=len)
        cut: list[list[Words]] = [[]]
        for passage in pool:
            if cut[-1] and (len(cut[-1]) + 1) * len(passage) > WORDS_IN_BATCH:
                cut.append([])
            cut[-1].append(passage)
        rng.shuffle(cut)
        yield from cut


def tensors(batch: list[Words], tokenizer: PreTrainedTokenizerFast) -> tuple[dict[str, Tensor], Tensor]:
    """Model input and labels, (passages, tokens); every piece of a word has its label, other tokens have -100."""
    texts = [[word for word, _ in words] for words in batch]
    encoded = tokenizer(texts, is_split_into_words=True, padding=True, truncation=True, return_tensors="pt")
    rows = []
    for number, words in enumerate(batch):
        places = encoded.word_ids(number)
        rows.append([-100 if place is None else LABELS.index(words[place][1]) for place in places])
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}, torch.tensor(rows)


def train(tokenizer: PreTrainedTokenizerFast, steps: int, seed: int) -> ModernBertForTokenClassification:
    torch.manual_seed(seed)
    source = batches(seed)
    model = make_model(len(tokenizer)).train()
    optimizer = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=0.01)
    average = AveragedWeights(model)
    began = time.monotonic()
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = learning_rate(step, steps, PEAK_RATE)
        inputs, labels = tensors(next(source), tokenizer)
        loss = functional.cross_entropy(model(**inputs).logits.flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        average.update()
        if step % 200 == 0:
            print(f"step {step}: loss {loss.item():.3f}, {(time.monotonic() - began) / 60:.1f} min", flush=True)
    model.load_state_dict(average.state)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("data/models/demo/punctuation"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tokenizer = make_tokenizer()
    train(tokenizer, arguments.steps, arguments.seed).save_pretrained(arguments.out)
    tokenizer.save_pretrained(arguments.out)
    unseen = [text for _, text in dialogue(arguments.seed + 500, 400)]
    figures = {
        "turn_by_turn": f_scores(arguments.out, unseen),
        "running_text": f_scores(arguments.out, [" ".join(unseen)]),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
