"""Fields of a request, in each of the ways in which clients write them."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.http.errors import ApiError
from flows.http.fields import fields_of_json, fields_of_urlencoded, read_flag, read_list, read_object
from flows.http.form import Transcription, read_transcription
from flows.http.intake import build_parameters

ITEMS = st.lists(st.text("abc é,-", min_size=1).filter(str.strip), min_size=1, max_size=5)


@given(ITEMS)
def test_arrays_read_the_same_however_they_are_written(items: list[str]) -> None:
    brackets = [("known_speaker_names[]", item) for item in items]
    bare = [("known_speaker_names", item) for item in items]
    numbered = [(f"known_speaker_names[{i}]", item) for i, item in enumerate(items)]
    as_json = [("known_speaker_names", json.dumps(items))]
    for fields in (brackets, bare, numbered, as_json):
        assert (
            read_list([("other", "x"), *fields, ("known_speaker_references[]", "y")], "known_speaker_names") == items
        )


@pytest.mark.parametrize(
    "fields",
    [
        [("chunking_strategy[type]", "server_vad"), ("chunking_strategy[threshold]", "0.5")],
        [("chunking_strategy", '{"type": "server_vad", "threshold": "0.5"}')],
    ],
)
def test_objects_read_the_same_however_they_are_written(fields: list[tuple[str, str]]) -> None:
    assert read_object(fields, "chunking_strategy") == {"type": "server_vad", "threshold": "0.5"}
    assert read_transcription(fields) == Transcription("whisper-1")


@pytest.mark.parametrize("text", ["true", "True", "1", "yes", "on"])
def test_flags_are_read_in_any_spelling(text: str) -> None:
    assert read_flag([("stream", text)], "stream")
    assert not read_flag([("stream", "false")], "stream")


@pytest.mark.parametrize("name", ["model", "language", "prompt", "response_format", "temperature", "stream"])
@pytest.mark.parametrize("value", ["", " ", "null", "None", "undefined"])
def test_a_value_that_is_none_is_that_of_a_field_left_out(name: str, value: str) -> None:
    assert read_transcription([(name, value)]) == Transcription("whisper-1")


@pytest.mark.parametrize(
    "name",
    ["chunking_strategy", "num_speakers", "recorded_at", "webhook_url", "include[]", "timestamp_granularities"],
)
def test_so_is_one_of_the_other_fields(name: str) -> None:
    for value in ("", " ", "null", "[]", "[null]") if name[:3] in ("inc", "tim") else ("", " ", "null"):
        assert read_transcription([(name, value)], job=True) == Transcription("whisper-1")
    parts = [("chunking_strategy[type]", "server_vad"), ("chunking_strategy[threshold]", "")]
    assert read_transcription(parts) == Transcription("whisper-1")


def test_words_are_read_in_any_letter_case_and_with_the_quotes_of_json() -> None:
    assert read_transcription([("response_format", " VTT")]).response_format == "vtt"
    assert read_transcription([("response_format", '"verbose_json"')]).response_format == "verbose_json"
    for strategy in ("AUTO", '"auto"', '{"type": "Server_VAD"}', "server_vad"):
        assert read_transcription([("chunking_strategy", strategy)]) == Transcription("whisper-1")


@pytest.mark.parametrize(
    "fields",
    [
        [("timestamp_granularities[]", "Word"), ("timestamp_granularities[]", "SEGMENT")],
        [("timestamp_granularities", "word,segment")],
        [("timestamp_granularities[]", '["word", "segment"]')],
        [("timestamp_granularities[1]", "segment"), ("timestamp_granularities[0]", "word")],
    ],
)
def test_granularities_are_words_however_they_are_written(fields: list[tuple[str, str]]) -> None:
    assert read_transcription(fields).granularities == ("word", "segment")


A, B = "data:audio/wav;base64,QQ==", "data:audio/wav;base64,Qg=="


@pytest.mark.parametrize(
    "fields",
    [
        [("names[]", "Ana"), ("names[]", "Ben"), ("references[]", ""), ("references[]", B)],
        [("names[1]", "Ben"), ("names[0]", "Ana"), ("references[1]", B)],
        [("references[1]", B), ("references[0]", ""), ("names[0]", " Ana "), ("names[1]", "Ben")],
        [("names", '["Ana", "Ben"]'), ("references", f'[null, "{B}"]')],
        [("names[]", "Ana"), ("names[]", "Ben"), ("names[]", "Ben"), ("references", f'["null", "{B}", "{B}"]')],
        [("names[]", "Ben"), ("names[]", "Ana"), ("references", f'["{B}"]')],
    ],
)
def test_a_reference_belongs_to_the_name_at_its_place_in_any_order(fields: list[tuple[str, str]]) -> None:
    wanted = read_transcription([(f"known_speaker_{name}", value) for name, value in fields])
    pairs = dict(zip_longest(wanted.known_names, wanted.known_references, fillvalue=""))
    assert pairs == {"Ana": "", "Ben": B}


def test_one_name_has_one_reference() -> None:
    fields = [("known_speaker_names[]", "Ana")] * 2 + [("known_speaker_references[]", x) for x in (A, B)]
    with pytest.raises(ApiError, match=r"has two references"):
        read_transcription(fields)


def test_unknown_fields_are_ignored_and_the_last_of_several_counts() -> None:
    fields = [("model", "small"), ("hotwords", "x"), ("vad_filter", "{"), ("model", "base"), ("", "y")]
    assert read_transcription(fields) == Transcription("base")


def test_what_only_jobs_may_say_is_ignored_elsewhere() -> None:
    fields = [("path", "/recordings/day.wav"), ("webhook_url", "https://example.org")]
    assert read_transcription(fields).path is None
    assert read_transcription(fields, job=True).path == "/recordings/day.wav"
    assert read_transcription(fields, job=True).webhook_url == "https://example.org"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("response_format", "lrc"),
        ("temperature", "1.5"),
        ("temperature", "warm"),
        ("temperature", "nan"),
        ("timestamp_granularities[]", "phoneme"),
        ("include[]", "usage"),
        ("stream", "maybe"),
        ("chunking_strategy", "by hand"),
        ("chunking_strategy", '{"type": "server_vad", "threshold": 2}'),
        ("chunking_strategy", "[" * 5000),
        ("known_speaker_references[]", "data:audio/wav;base64,AAAA"),
    ],
)
def test_wrong_values_are_refused_by_the_name_of_their_field(name: str, value: str) -> None:
    with pytest.raises(ApiError) as caught:
        read_transcription([(name, value)])
    assert caught.value.status == 400
    assert caught.value.param is not None
    assert len(caught.value.message) < 300


@given(st.lists(st.tuples(st.text(), st.text()), max_size=8))
def test_whatever_comes_is_read_or_refused(fields: list[tuple[str, str]]) -> None:
    with suppress(ApiError):
        read_transcription(fields, job=True)


def test_a_job_in_json_reads_as_its_form() -> None:
    body = {"path": "/r/day.wav", "stream": False, "known_speaker_names": ["Ana", "Ben"], "prompt": None}
    assert read_transcription(fields_of_json(json.dumps(body).encode()), job=True) == Transcription(
        "whisper-1", path="/r/day.wav", known_names=("Ana", "Ben")
    )
    assert fields_of_json('{"path": "/r/é"}'.encode("utf-8-sig")) == [("path", "/r/é")]
    assert fields_of_json(b'{"prompt": "\\ud800"}') == [("prompt", "\ufffd")]
    for body in (b"[]", b"\xff", b"{", b"1"):  # type: ignore[assignment]
        with pytest.raises(ApiError):
            fields_of_json(body)  # type: ignore[arg-type]


def test_a_job_in_the_form_of_curls_data_reads_as_its_form() -> None:
    fields = fields_of_urlencoded("path=/r/day%20one.wav&language=&known_speaker_names[]=Ana&prompt=é+è".encode())
    assert read_transcription(fields, job=True) == Transcription(
        "whisper-1", path="/r/day one.wav", known_names=("Ana",), prompt="é è"
    )
    with pytest.raises(ApiError):
        fields_of_urlencoded(b"x=1&" * 1001)


def test_extensions_of_the_contract_are_settings() -> None:
    fields = [("min_speakers", "2"), ("max_speakers", "4"), ("recorded_at", "2026-03-01T09:15:00"), ("prompt", "Ana")]
    assert build_parameters(read_transcription(fields), []) == {
        "transcription": {"initial_prompt": "Ana"},
        "diarization": {"min_speakers": 2, "max_speakers": 4},
        "audio": {"recorded_at": "2026-03-01T09:15:00"},
    }
    for wrong in ("0", "1.5", "many", "1000"):
        with pytest.raises(ApiError) as caught:
            read_transcription([("num_speakers", wrong)])
        assert caught.value.param == "num_speakers"


def test_one_language_is_the_language_and_several_those_to_choose_from() -> None:
    one = read_transcription([("language", "de")])
    several = read_transcription(
        [("languages[]", "de"), ("languages[]", "en"), ("keywords[]", "x"), ("keywords", "y")]
    )
    assert build_parameters(one, []) == {"transcription": {"language": "de"}}
    assert build_parameters(several, []) == {"transcription": {"languages": ["de", "en"], "hotwords": "x, y"}}
