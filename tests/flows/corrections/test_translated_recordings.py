"""Corrections of a recording that is translated, and translations of one that is corrected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.cli.translate import publish_all
from flows.corrections.enter import undo_fact
from flows.corrections.publication import apply_known, correct_words
from flows.translations import translate_in_run, translate_to
from tasks.corrections.store import MACHINE
from tasks.dataset.publish import publish
from tasks.dataset.read import count_stale, read_transcript
from tasks.exports import render
from tasks.records import Transcript
from tasks.settings.load import load
from tests.helpers.chat_service import Asked, ChatService, Reply, obey, run_chat_service, translate_text
from tests.helpers.corrected_recording import LINE, RECORDING, CorrectedRecording
from tests.helpers.crashing_disk import without_fsync  # noqa: F401
from tests.helpers.sample_voices import make_recording

DE = translate_text(LINE)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CorrectedRecording:
    made = CorrectedRecording(tmp_path, monkeypatch)
    spoken = make_recording("mon", ["Ada", "Bea"], sound=made.sound)
    settings = {**spoken.run.settings, "exports": {"formats": ["srt"]}}
    made.machine = replace(spoken, run=replace(spoken.run, settings=settings))
    publish(made.machine, made.out, exports=render(made.machine))
    return made


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatService]:
    with run_chat_service() as running:
        monkeypatch.setenv("DAYLONG_TRANSLATION__BASE_URL", running.url)
        yield running


def translate(place: CorrectedRecording) -> None:
    transcript = read_transcript(place.out, RECORDING)
    given = load({"translation": {"languages": "de"}}).translation
    publish_all(place.out, transcript, list(translate_to(transcript, given, ["de"], lambda *_: None)))


def read(place: CorrectedRecording) -> list[tuple[int, str, str]]:
    return [(t.segment, t.text, t.status) for t in read_transcript(place.out, RECORDING).translations]


def translated(*texts: str) -> list[tuple[int, str, str]]:
    return [(i, text, "translated") for i, text in enumerate(texts)]


def test_only_what_was_corrected_is_stale_and_the_same_command_fills_it(
    place: CorrectedRecording, service: ChatService
) -> None:
    translate(place)
    place.apply(place.edit(0, ""), place.edit(1, "So it was, today."))
    said = "So it was, today."
    assert read(place) == [(0, said, "stale"), (1, DE, "translated"), (2, DE, "translated")]
    assert count_stale(place.out, RECORDING) == {"de": 1}
    srt = (place.out / "exports" / RECORDING / "transcript.de.srt").read_text()
    assert (srt.count(said), srt.count(DE)) == (1, 2)
    done = CliRunner().invoke(app, ["translate", RECORDING, "--to", "de", "--out", str(place.out)])
    assert done.exit_code == 0, done.output
    assert read(place) == translated(translate_text(said), DE, DE)
    asked = {line["text"] for request in service.asked[1:] for line in request.lines}
    assert asked == {said, LINE}  # its neighbour too: it is asked for with other words beside it


def test_the_command_says_what_is_stale(place: CorrectedRecording, service: ChatService) -> None:
    from flows.corrections.enter import apply_rows

    translate(place)
    done = apply_rows([place.edit(1, "No.")], place.out)
    again = f"daylong translate {RECORDING} --to de"
    assert done.rewritten == [f"{RECORDING}: written again; segments that are to be translated again: de 1. {again}"]
    assert undo_fact(None).rewritten == [f"{RECORDING}: written again"]


@pytest.mark.parametrize("keeps_sentences", [True, False])
def test_undoing_brings_the_old_translation_back_without_asking(
    place: CorrectedRecording, service: ChatService, keeps_sentences: bool
) -> None:
    translate(place)
    before, asked = read(place), len(service.asked)
    place.apply(place.edit(2, "No. Not at all."), place.edit(0, ""))
    assert read(place) != before
    if not keeps_sentences:
        for path in (place.home / "data" / "cache" / "translations").iterdir():
            path.unlink()
    undo_fact(None)
    undo_fact(None)
    assert (read(place), len(service.asked)) == (before, asked)


def test_translations_made_after_a_correction_stay_where_another_is_entered_or_undone(
    place: CorrectedRecording, service: ChatService
) -> None:
    place.apply(place.edit(0, ""))
    assert list((place.store / MACHINE).iterdir())
    translate(place)
    place.apply(place.edit(2, "No."))
    assert read(place) == [(0, DE, "translated"), (1, "No.", "stale"), (2, DE, "translated")]
    undo_fact(None)
    assert read(place) == translated(DE, DE, DE)
    undo_fact(None)
    assert read(place) == translated(DE, DE, DE, DE)  # it says what the others say: known


def test_words_corrected_while_their_translation_is_made_are_stale_and_no_others(
    place: CorrectedRecording, service: ChatService
) -> None:
    def correct_first(asked: Asked) -> Reply:
        if asked.number == 0:
            place.apply(place.edit(0, ""), place.edit(3, "No."))
        return obey(asked)

    service.answer = correct_first
    translate(place)
    assert read(place) == [(0, DE, "translated"), (1, DE, "translated"), (2, "No.", "stale")]


@pytest.mark.parametrize("last", ["before", "during", "after"])
def test_a_run_translates_what_was_corrected_while_no_store_is_locked(
    place: CorrectedRecording, service: ChatService, last: str
) -> None:
    """`last`: when the last of two corrections is entered: before the translation, during it, after it."""
    assert place.machine is not None
    machine = replace(place.machine, run=replace(place.machine.run, run_id="run-2"))
    given = load({"translation": {"languages": "de"}})
    second = [place.edit(1, "Yes.")]
    place.apply(place.edit(0, "No."), *(second if last == "before" else []))

    def enter(asked: Asked) -> Reply:
        if last == "during":  # the store can be written: nobody holds it
            place.apply(*second)
        return obey(asked)

    service.answer = enter
    told = translate_in_run(apply_known(machine), given)
    if last == "after":
        place.apply(*second)
    publish_run(machine, told, place.out)
    filled = (1, "Yes.", "stale") if last != "before" else (1, "Sey.", "translated")
    assert read(place) == [(0, "On.", "translated"), filled, (2, DE, "translated"), (3, DE, "translated")]
    undo_fact(None)
    assert read(place)[1] == (1, DE, "translated")


def publish_run(machine: Transcript, told: Transcript, out: Path) -> None:
    with correct_words(machine, out, told) as transcript:
        publish(transcript, out, exports={})
