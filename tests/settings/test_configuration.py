"""Settings: where they come from, which source wins, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.errors import UsageError
from tasks.settings.load import find_field, load, setting_names, settings_table
from tasks.settings.schema import Settings


def settings(
    parameters: dict | None = None,
    assignments: tuple[str, ...] = (),
    *,
    environment: dict[str, str] | None = None,
    folder: Path = Path("nowhere"),
) -> Settings:
    return load(parameters, assignments, environment=environment or {}, folder=folder)


def test_later_sources_win_over_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "daylong.toml").write_text('profile = "demo"\n[transcription]\nbeam_size = 2\nbatch_size = 2\n')
    (tmp_path / ".env").write_text("DAYLONG_TRANSCRIPTION__BATCH_SIZE=3\nDAYLONG_TRANSCRIPTION__HOTWORDS=a\n")
    environment = {"DAYLONG_TRANSCRIPTION__HOTWORDS": "b", "DAYLONG_CHUNKING__OVERLAP_S": "20"}
    found = load(
        {"transcription": {"initial_prompt": "c"}, "chunking": {"overlap_s": 10}},
        ["transcription.initial_prompt=d"],
        environment=environment,
        folder=tmp_path,
    )
    assert found.profile == "demo"
    assert found.transcription.beam_size == 2  # the file over the profile
    assert found.transcription.batch_size == 3  # .env over the file
    assert found.transcription.hotwords == "b"  # the environment over .env
    assert found.chunking.overlap_s == 10  # parameters over the environment
    assert found.transcription.initial_prompt == "d"  # --set over all


def test_what_a_form_leaves_alone_keeps_what_was_said_before() -> None:
    environment = {"DAYLONG_TRANSCRIPTION__LANGUAGE": "de"}
    form = {"profile": "demo", "transcription": {"language": None, "model": None}, "diarization": {}}
    found = settings(form, environment=environment)
    assert found.transcription.language == "de"
    assert found.transcription.model == "demo:whisper"


def test_what_suits_weights_goes_with_them_whatever_the_profile() -> None:
    demo = settings({"profile": "demo"})
    assert (demo.transcription.compute_type, demo.transcription.max_speech_s) == ("float32", 8.0)
    assert (demo.voices.threshold, demo.voices.margin) == (0.96, 0.02)
    other = settings({"profile": "demo"}, ("transcription.model=base", "diarization.embedding_model=campplus"))
    plain = settings()
    assert other.transcription == plain.transcription.model_copy(update={"model": "base"})
    assert other.voices == plain.voices
    small = settings({"profile": "light"}, ("transcription.model=demo:whisper", "voices.threshold=0.7"))
    assert (small.transcription.compute_type, small.transcription.max_speech_s) == ("float32", 8.0)
    speaker = settings({}, ("diarization.embedding_model=demo:speaker", "voices.threshold=0.7"))
    assert (speaker.voices.threshold, speaker.voices.margin) == (0.7, 0.02)


def test_profile_light_is_small_public_weights_and_nothing_of_the_demo() -> None:
    light = settings({"profile": "light"})
    assert (light.transcription.model, light.transcription.compute_type) == ("base", "int8")
    assert light.transcription.max_speech_s == 28.0
    assert light.diarization.embedding_model == "campplus"
    assert (light.separation.mode, light.punctuation.mode) == ("never", "auto")


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("transcription.beem_size=3", "did you mean transcription.beam_size?"),
        ("transcription.beam_size=99", "transcription.beam_size"),
        ("profile=best", "'standard', 'light' or 'demo'"),
        ("runner=processes", "runner = processes: not built yet"),
        ("runner_address=tcp://host:8786", "runner = threads has no cluster"),
        ("runner_address=host", "runner_address"),
        ("audio.channels=left", "audio.channels"),
        ("separation.mode=auto", "separation.mode = auto: not built yet"),
        ("inbox.settle_seconds=-3", "inbox.settle_seconds"),
        ("timezone=Mars/Olympus", 'timezone = "Mars/Olympus": no such zone. Write an IANA name'),
        ("storage=bucket/prefix", "storage"),
        ("storage=s3://bucket?x=1", "storage"),
        ("voices.threshold=7", "voices.threshold"),
        ("chunking.min_minutes=20", "must not exceed"),
        ("diarization.max_speakers=0", "diarization.max_speakers"),
        ("transcription.language=xx", "Write a code or a name"),
        ("transcription.language=germn", "did you mean German (de)?"),
        ("transcription.language=de,en", "that is several. Write transcription.languages = de,en"),
        ("transcription.languages=de,xx", "transcription.languages"),
        ("voices.store=s3://bucket/voices", "voices.store = s3://bucket/voices: write a folder"),
        ("transcription.languages=", "transcription.languages"),
        ("beam", "KEY=VALUE"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(assignment: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        settings(assignments=(assignment,))
    assert told in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_broken_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "daylong.toml").write_text("profile =")
    with pytest.raises(UsageError, match=r"daylong\.toml: not valid TOML"):
        load(environment={}, folder=tmp_path)


def test_every_setting_tells_what_it_is() -> None:
    for name in setting_names():
        assert find_field(name).description, name


@pytest.mark.parametrize("spelling", ["EN", "English", "en-US", "eng"])
def test_a_language_in_any_spelling_from_any_source_is_its_code(spelling: str, tmp_path: Path) -> None:
    (tmp_path / "daylong.toml").write_text(f'[transcription]\nlanguage = "{spelling}"\n')
    found = [
        load(environment={}, folder=tmp_path),
        settings(environment={"DAYLONG_TRANSCRIPTION__LANGUAGE": spelling}),
        settings({"transcription": {"language": spelling}}),
        settings(assignments=(f"transcription.language={spelling}",)),
    ]
    assert {s.transcription.language for s in found} == {"en"}
    assert {s.digest() for s in found} == {settings(assignments=("transcription.language=en",)).digest()}


def test_auto_takes_back_a_language_of_another_source() -> None:
    assert settings({}, ("transcription.language=auto",), environment={"DAYLONG_TRANSCRIPTION__LANGUAGE": "de"}) == (
        settings()
    )


@pytest.mark.parametrize("given", ["de,en", "English, German", '["en", "de"]', ["en", "DE"], ("de", "en", "en-US")])
def test_languages_are_a_list_or_text_with_commas(given: object) -> None:
    assert settings({"transcription": {"languages": given}}).transcription.languages == ("de", "en")


def test_a_long_value_is_not_shown_in_whole() -> None:
    with pytest.raises(UsageError, match=r"^transcription\.hotwords = .* at most 1000 characters$") as caught:
        settings(assignments=(f"transcription.hotwords={'Hotword ' * 150}",))
    assert len(str(caught.value)) < 200


def test_auto_and_modes_are_read_in_any_spelling() -> None:
    for spelling in ("", "AUTO"):
        assert settings({"transcription": {"language": spelling, "languages": "auto"}}) == settings()
    for spelling in ("per_segment", "Per segment"):
        assert settings({"transcription": {"language": spelling}}).transcription.language == "per-segment"


def test_the_language_is_one_of_the_languages() -> None:
    with pytest.raises(UsageError, match=r"French \(fr\) is not among transcription\.languages"):
        settings({"transcription": {"language": "fr", "languages": ["de", "en"]}})
    assert settings({"transcription": {"language": "per-chunk", "languages": ["de", "en"]}}).transcription.languages


def test_settings_without_languages_have_the_digest_that_they_had_before_these_existed() -> None:
    assert "languages" not in settings().result_facts()["transcription"]
    assert settings({"transcription": {"languages": ["de", "en"]}}).digest() != settings().digest()


def test_translation_enters_the_digest_where_there_is_any() -> None:
    given = ("translation.model=qwen3:8b", "translation.base_url=http://127.0.0.1:8000/v1")
    assert settings(assignments=given).digest() == settings().digest()
    german = settings(assignments=("translation.languages=German",))
    assert german.digest() != settings().digest()
    assert german.digest() != settings(assignments=("translation.languages=de", given[0])).digest()
    quiet = ("translation.languages=de", "translation.allow_remote=true", "translation.timeout_s=9")
    assert settings(assignments=quiet).digest() == german.digest()


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({}, 2),
        ({"models": {"processes": 1}}, 2),
        ({"models": {"processes": 4}}, 5),
        ({"device": "cuda:0,cuda:1,cuda:2"}, 4),
        ({"models": {"processes": 4}, "chunks_in_flight": 2}, 2),
    ],
)
def test_chunks_in_flight_follow_the_processes_that_have_engines(given: dict[str, Any], count: int) -> None:
    assert Settings.model_validate(given).count_chunks_in_flight() == count


def test_places_and_worker_counts_do_not_change_the_digest() -> None:
    same = [
        (),
        ("device=cpu",),
        ("out=/elsewhere",),
        ("chunks_in_flight=5",),
        ("models.keep=one",),
        ("cache.store=/x",),
        ("storage=s3://bucket/team/", "storage_lease_s=30", "storage_copy_gb=1"),
    ]
    assert len({settings(assignments=a).digest() for a in same}) == 1
    assert settings(assignments=("transcription.beam_size=2",)).digest() != settings().digest()


def test_what_lies_in_the_shared_storage_lies_nowhere_else() -> None:
    shared = "storage=s3://bucket/team/"
    assert settings(assignments=(shared,)).storage == "s3://bucket/team"
    for elsewhere in ("cache.store=/x", "voices.store=/x"):
        with pytest.raises(UsageError, match=r"with storage = s3://bucket/team it lies there; leave \w+\.store out"):
            settings(assignments=(shared, elsewhere))


def test_the_readme_of_the_settings_lists_all() -> None:
    readme = Path(__file__).resolve().parents[2] / "tasks" / "settings" / "README.md"
    assert settings_table() in readme.read_text(encoding="utf-8"), "python -m tests.documentation writes it"
