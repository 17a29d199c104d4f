"""What weights can't do is refused by name before any work: languages they don't know, prompts that are too long."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.errors import MissingWeights, UsageError
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.limits import check_settings
from tasks.transcription.whisper_limits import count_tokens, read_languages


def make_weights(folder: Path, codes: tuple[str, ...] = ("en", "de"), end: int = 50257) -> Path:
    """A folder with a tokenizer of Whisper's special tokens and a token for every byte."""
    folder.mkdir()
    special = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{c}|>" for c in codes), "<|translate|>", "<|0.00|>"]
    added = [
        {
            "id": end + i,
            "content": token,
            "special": True,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
        }
        for i, token in enumerate(special)
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": byte_level,
        "model": {"type": "BPE", "vocab": {c: i for i, c in enumerate("Ġabcdefghijklmnopqrstuvwxyz")}, "merges": []},
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder


def refusal(settings: TranscriptionSettings, name: str, folder: Path | None) -> str:
    with pytest.raises(UsageError) as refused:
        check_settings(settings, name, folder)
    (line,) = str(refused.value).splitlines()
    return line


def test_the_tokenizer_tells_the_languages(tmp_path: Path) -> None:
    assert read_languages(make_weights(tmp_path / "two")) == ("en", "de")


def test_the_vocabulary_of_gpt2_tells_a_model_for_english_whatever_tokens_it_has(tmp_path: Path) -> None:
    assert read_languages(make_weights(tmp_path / "one", end=50256)) == ("en",)


def test_a_language_that_the_weights_know_is_taken(tmp_path: Path) -> None:
    folder = make_weights(tmp_path / "base")
    for settings in ({}, {"language": "German"}, {"language": "per-chunk"}, {"languages": "en,de"}):
        check_settings(TranscriptionSettings(**settings), "base", folder)  # type: ignore[arg-type]


def test_another_language_than_english_is_refused_for_english_weights(tmp_path: Path) -> None:
    folder = make_weights(tmp_path / "tiny.en", end=50256)
    line = refusal(TranscriptionSettings(language="de"), "tiny.en", folder)
    assert line == (
        "transcription.language = de: tiny.en knows English alone. For German (de), take transcription.model = tiny"
    )
    assert "a multilingual model" in refusal(TranscriptionSettings(language="de"), str(folder), folder)
    check_settings(TranscriptionSettings(language="en"), "tiny.en", folder)


def test_the_name_tells_it_before_the_weights_are_fetched() -> None:
    assert "English alone" in refusal(
        TranscriptionSettings(language="de"), "Systran/faster-whisper-small.en@main", None
    )
    check_settings(TranscriptionSettings(language="de", hotwords="x" * 900), "small", None)


def test_a_language_of_newer_models_is_refused_with_their_names(tmp_path: Path) -> None:
    line = refusal(TranscriptionSettings(language="yue"), "base", make_weights(tmp_path / "base"))
    assert "doesn't know Cantonese (yue)" in line
    assert "large-v3" in line


def test_every_language_of_the_list_must_be_known(tmp_path: Path) -> None:
    line = refusal(TranscriptionSettings(languages="de,fr"), "own", make_weights(tmp_path / "own"))  # type: ignore[arg-type]
    assert line == (
        "transcription.languages = fr: own doesn't know French (fr); it knows English (en) and German (de)"
    )


def test_the_demo_weights_know_english_whatever_their_tokens_are(demo_models: Path) -> None:
    assert "English alone" in refusal(TranscriptionSettings(language="de"), "demo:whisper", demo_models / "whisper")


def test_a_prompt_and_hotwords_that_fit_are_taken(tmp_path: Path) -> None:
    settings = TranscriptionSettings(initial_prompt="a" * 110, hotwords=" " + "b" * 111)
    folder = make_weights(tmp_path / "base")
    assert count_tokens("a" * 110, folder) == 111  # with the blank before it
    check_settings(settings, "base", folder)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"hotwords": "b" * 223}, "transcription.hotwords (224 tokens): base takes 223"),
        ({"initial_prompt": "a" * 300}, "transcription.initial_prompt (301 tokens): base takes 223"),
        (
            {"initial_prompt": "a" * 110, "hotwords": "b" * 112},
            "transcription.initial_prompt (111 tokens) and transcription.hotwords (113 tokens), 224 together",
        ),
    ],
)
def test_more_than_the_model_takes_is_refused_with_the_number(
    settings: dict[str, str], told: str, tmp_path: Path
) -> None:
    line = refusal(TranscriptionSettings(**settings), "base", make_weights(tmp_path / "base"))  # type: ignore[arg-type]
    assert line.startswith(told)


@pytest.mark.parametrize("content", ["", "{", '{"added_tokens": 3}', "[]"])
def test_a_damaged_tokenizer_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(MissingWeights, match=r"its tokenizer\.json can't be read"):
        read_languages(tmp_path)
