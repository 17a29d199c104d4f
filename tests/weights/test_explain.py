"""What a name of weights means to each engine, and names that belong to another one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engines.spec import WeightsFormat
from tasks.errors import MissingWeights
from tasks.settings.load import load
from tasks.weights.explain import explain, suggest_name
from tasks.weights.model_files import compute_digest, find_defect, find_entry_path
from tasks.weights.names import find_local_path, find_repository
from tasks.weights.requirements import list_remote, list_required
from tests.helpers.other_engines import register

GGML = WeightsFormat(
    kind="transcription/other",
    setting="transcription.model",
    maker="other.cpp",
    patterns=("other-*.bin",),
    essential=("other-*.bin",),
    suffixes=(".ggml",),
    names={"large-v3-turbo": "others/turbo", "nano": "others/nano"},
)


@pytest.fixture(autouse=True)
def _other() -> Iterator[None]:
    with register(weights=(GGML,)):
        yield


def test_a_short_name_is_another_repository_to_another_engine() -> None:
    found = {each.engine: each.meaning for each in explain("large-v3-turbo")}
    assert found.keys() >= {"faster-whisper", "other"}
    assert "mobiuslabsgmbh/faster-whisper-large-v3-turbo@" in found["faster-whisper"]
    assert "others/turbo" in found["other"]
    nano = [(each.engine, each.setting) for each in explain("nano")]
    assert nano[0] == ("other", "transcription.model")
    assert {setting for _, setting in nano} == {"transcription.model"}  # a service may have one of this name


@pytest.mark.parametrize(
    ("name", "engines"),
    [
        ("auto", {"faster-whisper"}),
        ("campplus", {"campplus"}),
        ("segmentation-3.0", {"segmentation"}),
        ("htdemucs", {"Demucs"}),
        ("demo:whisper", {"faster-whisper"}),
        ("demo:punctuation", {"deepmultilingualpunctuation"}),
        ("nvidia/diar_streaming_sortformer_4spk-v2.1", {"sortformer"}),
        ("Systran/faster-whisper-small@main", {"faster-whisper"}),
        ("smal", set()),
        ("/no/such/folder", set()),
    ],
)
def test_names_mean_something_to_the_engines_that_know_them(name: str, engines: set[str]) -> None:
    assert engines <= {each.engine for each in explain(name)}
    assert bool(engines) == bool(explain(name))


def test_a_bundled_model_that_is_none_is_refused() -> None:
    with pytest.raises(MissingWeights, match="no such bundled model"):
        explain("demo:nothing")


def test_a_name_that_is_nearly_one_is_mended() -> None:
    assert (suggest_name("smal"), suggest_name("qqqqqq")) == ("small", None)


@pytest.mark.parametrize("name", ["nano", "others/nano"])
def test_a_name_of_another_engine_is_refused_with_the_engine_that_fits(name: str) -> None:
    with pytest.raises(MissingWeights) as refused:
        find_repository("transcription", name)
    assert str(refused.value) == (
        f"transcription.model = {name}: this name is one of other.cpp's, and means nothing to faster-whisper. "
        "Set transcription.engine = other, or name another model"
    )


def test_files_of_another_engine_are_refused_with_the_engine_that_fits(tmp_path: Path) -> None:
    for name in ("other-base.bin", "other-base.ggml"):
        (tmp_path / name).write_bytes(b"weights")
    assert (find_defect("transcription", tmp_path) or "").endswith(
        "It is one of other.cpp's: set transcription.engine = other"
    )
    assert (find_defect("transcription", tmp_path / "other-base.ggml") or "").endswith("transcription.engine = other")
    assert find_defect("transcription/other", tmp_path) is None
    assert find_entry_path("transcription/other", tmp_path) == tmp_path / "other-base.bin"
    assert find_local_path("mine.ggml") == Path("mine.ggml")


def test_a_digest_is_of_the_files_that_the_engine_reads(tmp_path: Path) -> None:
    (tmp_path / "other-base.bin").write_bytes(b"weights")
    before = compute_digest("transcription/other", tmp_path)
    (tmp_path / "README.md").write_text("read me")
    assert compute_digest("transcription/other", tmp_path) == before


def test_an_engine_without_a_default_model_says_so() -> None:
    local = WeightsFormat(
        kind="transcription/other",
        setting="transcription.model",
        maker="other.cpp",
        suffixes=(".ggml",),
        from_hub=False,
    )
    with register(weights=(local,)), pytest.raises(MissingWeights) as refused:
        find_repository("transcription/other", "auto")
    assert str(refused.value) == (
        "transcription.model = auto: other.cpp has no model of its own. Name a .ggml file or a folder with one"
    )


def test_the_engine_decides_which_weights_a_run_wants(tmp_path: Path) -> None:
    def chosen(*assignments: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        settings = load({}, ["diarization.engine=off", *assignments], environment={}, folder=tmp_path)
        return list_required(settings, "cpu"), list_remote(settings, "cpu")

    other = "transcription.engine=other"
    assert chosen(other, "transcription.model=nano") == ([("transcription/other", "nano")], [])
    by_default = WeightsFormat(**(_fields(GGML) | {"defaults": {"cpu": "nano"}}))
    with register(weights=(by_default,)):
        assert chosen(other) == ([("transcription/other", "nano")], [])
    service = WeightsFormat(**(_fields(GGML) | {"remote": True}))
    with register(weights=(service,)):
        assert chosen(other, "transcription.model=big-1") == ([], [("transcription/other", "big-1")])


def _fields(weights: WeightsFormat) -> dict[str, object]:
    return {name: getattr(weights, name) for name in WeightsFormat.__dataclass_fields__}
