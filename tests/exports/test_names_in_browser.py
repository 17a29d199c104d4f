"""Names in report.html: shown, corrected by mouse and by keyboard, undone, saved as the file that a command reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.voices.lookup import normalize_name
from tests.helpers.browser import open_chromium
from tests.helpers.name_correction_page import (
    ANNA,
    ENTER,
    ESCAPE,
    FILE,
    MARKUP,
    NOBODY,
    PERHAPS,
    PERHAPS_A_VOICE,
    TAB,
    NameCorrectionPage,
)
from tests.helpers.report_page import ReportPage, write_report
from tests.helpers.sample_transcripts import make_without_diarization
from tests.helpers.waiting import wait_until


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[NameCorrectionPage]:
    opened = NameCorrectionPage(browser, tmp_path, ANNA, NOBODY, PERHAPS, PERHAPS_A_VOICE)
    yield opened
    assert opened.read_console() == []
    assert {url.split(":")[0] for url in opened.list_requests()} <= {"blob"}


def test_names_stand_where_labels_would(page: NameCorrectionPage) -> None:
    assert page.read_speaker_row(0) == "Anna SPEAKER_00 0.87 alike"
    assert page.read_speaker_row(1) == "SPEAKER_01"
    assert page.read_speaker_row(4) == "Unknown"
    assert page.read_line_names() == ["Anna", "SPEAKER_01", "perhaps Bert?", "SPEAKER_03", "Unknown"]
    titles = [name.get_attribute("title") for name in page.find_all(".line .name")]
    assert titles[0] == "SPEAKER_00"
    assert titles[3] == "SPEAKER_03, perhaps the voice v8?"
    assert not page.browser.find_element("id", "corrections").is_displayed()
    assert not page.asks_before_leaving()


def test_what_may_be_is_asked_and_never_taken_for_known(page: NameCorrectionPage) -> None:
    assert page.read_speaker_row(2) == "SPEAKER_02 perhaps Bert? Yes No"
    assert page.read_speaker_row(3) == "SPEAKER_03 perhaps the voice v8? Yes No"
    style = "return getComputedStyle(arguments[0]).fontStyle"
    assert page.run_script(style, page.find_all(".line .name")[2]) == "italic"
    assert page.run_script(style, page.find_all(".line .name")[0]) == "normal"


def test_a_name_is_corrected_by_mouse_everywhere_at_once(page: NameCorrectionPage) -> None:
    before = page.run_script("return document.getElementById('detail').toDataURL()")
    page.correct_name(1, "  Zoë   Müller ")
    assert page.read_speaker_row(1) == "Zoë Müller SPEAKER_01 not saved"
    assert page.read_line_names()[1] == "Zoë Müller"
    assert page.read_unsaved_names() == ["Zoë Müller"]
    wait_until(lambda: page.run_script("return document.getElementById('detail').toDataURL()") != before, 30, 0.05)
    assert page.read_unsaved_message() == "1 correction, not saved"
    assert page.list_changes() == ["SPEAKER_01 is Zoë Müller"]
    assert page.read_text("#then") == f"Apply the saved file: daylong speakers apply {FILE}"
    assert page.asks_before_leaving()


def test_a_name_is_corrected_by_keyboard(page: NameCorrectionPage) -> None:
    page.run_script("document.getElementById('helped').focus()")
    page.press_keys(TAB, ENTER)
    assert page.run_script("return document.activeElement.value") == "Anna"
    page.press_keys("Hanna t/? +", ESCAPE)
    assert page.read_speaker_row(0) == "Anna SPEAKER_00 0.87 alike"
    assert page.run_script("return document.activeElement.textContent") == "Anna"
    page.press_keys(ENTER, "Hanna", ENTER)
    assert page.read_speaker_row(0) == "Hanna SPEAKER_00 0.87 alike not saved"
    assert page.read_line_names()[0] == "Hanna"
    assert page.run_script("return document.activeElement.textContent") == "Hanna"
    page.press_keys(" ")
    assert page.run_script("return document.activeElement.value") == "Hanna"
    page.press_keys("Anna", ENTER)
    assert page.read_speaker_row(0) == "Anna SPEAKER_00 0.87 alike"
    assert not page.browser.find_element("id", "corrections").is_displayed()
    assert page.run_script("return document.documentElement.dataset.theme") is None


def test_going_elsewhere_keeps_a_name_and_saving_does_too(page: NameCorrectionPage) -> None:
    page.correct_name(1, "Carla", end="")
    assert page.asks_before_leaving()
    page.browser.find_element("css selector", "h1").click()
    assert page.read_line_names()[1] == "Carla"
    page.correct_name(0, "Hanna", end="")
    assert [row["name"] for row in page.save_corrections()["speakers"]] == ["Hanna", "Carla"]


def test_nobody_names_whom_nobody_could_tell(page: NameCorrectionPage) -> None:
    unknown = page.find_all(".person")[4]
    assert unknown.find_elements("css selector", "button") == []
    unknown.click()
    assert page.find_all(".naming") == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("SPEAKER_07", "SPEAKER_07 is a label, not a name."),
        ("unknown", "unknown is a label, not a name."),
        ("x" * 61, "At most 60 characters; these are 61."),
        ("evil\u202egnp.exe", "A hidden sign in it turns the direction of writing. Type the name anew."),
        ("be\u0007ll", "A hidden sign is in it. Type the name anew."),
        ("An\u200bna", "A hidden sign is in it. Type the name anew."),
        ("\u200d", "Nothing of it can be seen. Write a name."),
    ],
)
def test_what_cannot_be_a_name_is_told_beside_the_field(page: NameCorrectionPage, name: str, why: str) -> None:
    page.find_name_field(1).click()
    page.run_script("document.activeElement.value = arguments[0]", name)
    page.press_keys(ENTER)
    assert page.read_error() == why
    assert page.run_script("return document.activeElement.getAttribute('aria-invalid')") == "true"
    page.press_keys("y")
    assert page.find_all(".told.wrong") == []
    page.press_keys(ESCAPE)
    assert page.read_speaker_row(1) == "SPEAKER_01"
    assert page.read_line_names()[1] == "SPEAKER_01"


def test_names_of_all_the_world_are_names(page: NameCorrectionPage) -> None:
    page.find_name_field(1).click()
    for name in ("国" * 60, "👩‍👩‍👧 Ana", "شهرزاد قصه گو", "=HYPERLINK(1)", "O’Neil-d'Arc, Jr."):
        page.run_script("document.activeElement.value = arguments[0]", name)
        page.press_keys(ENTER)
        assert page.read_line_names()[1] == name
        assert page.save_corrections()["speakers"][0]["name"] == name
        page.find_name_field(1).click()
    page.press_keys(ESCAPE)
    assert page.run_script("return document.documentElement.scrollWidth <= innerWidth")


def test_what_the_page_takes_the_command_takes(page: NameCorrectionPage) -> None:
    names = [
        "speaker_x",
        "ſpeaker_1",
        "Speaker 7",
        "UnKnown",
        "a\u200cb",
        "a\u00adb",
        "\U000e0041",
        "\ufeffa",
        "x\u2028y",
    ]
    names += [
        "Ana\x85",
        "İ",
        "ﷺ" * 60,
        "e\u0301" * 60,
        "\u0344" * 31,
        "a\u180eb",
        "\u3000",
        "=1+1",
        "-rf",
        "\ud800",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    ]
    taken = []
    for name in names:
        page.click_element(page.find_name_field(1))
        page.run_script("document.activeElement.value = JSON.parse(arguments[0])", json.dumps(name))
        page.press_keys(ENTER)
        if page.find_all(".told.wrong"):
            page.press_keys(ESCAPE)
            continue
        taken.append(name)
        shown = page.read_line_names()[1]
        assert shown == "SPEAKER_01" or shown == normalize_name(shown)
    assert {"İ", "=1+1", "-rf", "e\u0301" * 60} < set(taken)


def test_the_name_of_who_it_may_be_answers_the_question(page: NameCorrectionPage) -> None:
    page.answer_suggestion(2, "No")
    page.correct_name(2, "bert")
    assert page.list_changes() == ["SPEAKER_02 is Bert"]
    assert page.save_corrections()["speakers"] == [{"speaker": "SPEAKER_02", "voice_id": "v3", "is": "v9"}]


def test_letters_and_their_accents_are_put_together(page: NameCorrectionPage) -> None:
    page.find_name_field(1).click()
    page.run_script("document.activeElement.value = 'Zoe\u0308'")
    page.press_keys(ENTER)
    assert page.save_corrections()["speakers"][0]["name"] == "Zo\u00eb"


def test_all_corrections_are_in_the_file_and_nothing_else(page: NameCorrectionPage) -> None:
    page.correct_name(0, "")
    page.correct_name(1, "Carla")
    page.answer_suggestion(2, "Yes")
    page.answer_suggestion(3, "No")
    assert page.read_line_names() == ["SPEAKER_00", "Carla", "Bert", "SPEAKER_03", "Unknown"]
    assert page.list_changes() == [
        "SPEAKER_00 is not called Anna any more",
        "SPEAKER_01 is Carla",
        "SPEAKER_02 is Bert",
        "SPEAKER_03 is not the voice v8",
    ]
    assert page.save_corrections() == {
        "daylong": "corrections",
        "version": 1,
        "recording_id": "meeting-0a1b2c3d",
        "run_id": None,
        "source_name": "meeting.flac",
        "speakers": [
            {"speaker": "SPEAKER_00", "voice_id": "v1", "was": "Anna", "name": None},
            {"speaker": "SPEAKER_01", "voice_id": None, "was": None, "name": "Carla"},
            {"speaker": "SPEAKER_02", "voice_id": "v3", "is": "v9"},
            {"speaker": "SPEAKER_03", "voice_id": "v4", "is_not": "v8"},
        ],
    }
    assert page.read_unsaved_message() == "4 corrections, saved"
    assert page.read_speaker_row(1) == "Carla SPEAKER_01 saved"
    assert page.read_unsaved_names() == []
    assert not page.asks_before_leaving()


def test_a_voice_that_is_told_can_be_named_too(page: NameCorrectionPage) -> None:
    page.answer_suggestion(3, "Yes")
    page.correct_name(3, "Dora")
    page.correct_name(2, "Carlo")
    assert page.read_speaker_row(2) == "Carlo SPEAKER_02 not saved perhaps Bert? Yes No"
    page.answer_suggestion(2, "No")
    assert page.read_speaker_row(2) == "Carlo SPEAKER_02 not saved"
    assert page.save_corrections()["speakers"] == [
        {"speaker": "SPEAKER_02", "voice_id": "v3", "is_not": "v9"},
        {"speaker": "SPEAKER_02", "voice_id": "v3", "was": None, "name": "Carlo"},
        {"speaker": "SPEAKER_03", "voice_id": "v4", "is": "v8"},
        {"speaker": "SPEAKER_03", "voice_id": "v4", "was": None, "name": "Dora"},
    ]


def test_corrections_are_undone_one_by_one(page: NameCorrectionPage) -> None:
    page.correct_name(0, "Hanna")
    page.answer_suggestion(2, "No")
    page.correct_name(1, "Carla")
    assert page.list_changes() == ["SPEAKER_00 is Hanna, not Anna", "SPEAKER_01 is Carla", "SPEAKER_02 is not Bert"]
    page.undo_change(1)
    assert page.list_changes() == ["SPEAKER_00 is Hanna, not Anna", "SPEAKER_02 is not Bert"]
    page.undo_change(1)
    assert page.read_speaker_row(2) == "SPEAKER_02 perhaps Bert? Yes No"
    page.undo_change(0)
    assert page.read_line_names() == ["Anna", "SPEAKER_01", "perhaps Bert?", "SPEAKER_03", "Unknown"]
    assert not page.browser.find_element("id", "corrections").is_displayed()
    assert not page.asks_before_leaving()


def test_what_was_saved_and_then_changed_wants_saving_again(page: NameCorrectionPage) -> None:
    page.correct_name(1, "Carla")
    page.answer_suggestion(2, "Yes")
    page.save_corrections()
    page.correct_name(1, "Clara")
    assert page.read_unsaved_message() == "2 corrections, not saved"
    assert page.read_unsaved_names() == ["Clara"]
    page.undo_change(0)
    assert page.read_unsaved_message() == "1 correction, not saved"
    assert page.asks_before_leaving()
    assert page.save_corrections()["speakers"] == [{"speaker": "SPEAKER_02", "voice_id": "v3", "is": "v9"}]
    page.undo_change(0)
    assert page.read_unsaved_message() == f"All undone. {FILE} still holds what was saved: delete it."
    assert not page.browser.find_element("id", "save").is_displayed()


def test_two_of_one_name_are_told_to_be_one(page: NameCorrectionPage) -> None:
    page.correct_name(1, "Anna")
    assert page.list_changes() == ["SPEAKER_01 is Anna\nso is SPEAKER_00: one person"]


def test_a_name_that_cannot_be_one_keeps_the_file_from_being_saved(page: NameCorrectionPage) -> None:
    page.correct_name(0, "Hanna")
    page.correct_name(1, "UNKNOWN", end="")
    page.browser.find_element("id", "save").click()
    assert page.read_error() == "UNKNOWN is a label, not a name."
    assert page.read_unsaved_message() == "1 correction, not saved"
    assert list(page.downloads.iterdir()) == []
    page.find_name_field(0).click()
    assert page.run_script("return document.activeElement.value") == "UNKNOWN"
    page.press_keys(ESCAPE)
    assert [row["name"] for row in page.save_corrections()["speakers"]] == ["Hanna"]


def test_hostile_names_are_text(browser: Any, tmp_path: Path) -> None:
    names = [MARKUP, "=HYPERLINK(\"http://x\")", "\u202egnp.exe", "国" * 60, "👩‍👩‍👧"]  # fmt: skip
    known = [{"name": n, "voice_id": n} for n in names] + [{"maybe_name": n, "maybe_voice_id": n} for n in names]
    page = NameCorrectionPage(browser, tmp_path, *known)
    assert page.read_line_names()[:5] == [MARKUP, names[1], "gnp.exe", *names[3:]]
    page.correct_name(5, MARKUP + "!")
    page.answer_suggestion(5, "No")
    page.answer_suggestion(6, "Yes")
    assert page.read_line_names()[5:7] == [MARKUP + "!", names[1]]
    saved = page.save_corrections()["speakers"]
    assert saved[1] == {"speaker": "SPEAKER_05", "voice_id": None, "was": None, "name": MARKUP + "!"}
    assert saved[2] == {"speaker": "SPEAKER_06", "voice_id": None, "is": names[1]}
    assert page.run_script("return typeof window.pwned") == "undefined"
    assert page.run_script("return document.querySelectorAll('img').length") == 0
    assert page.run_script("return document.documentElement.scrollWidth <= innerWidth")
    assert page.read_console() == []


def test_the_file_s_name_is_one_in_the_folder_of_downloads(browser: Any, tmp_path: Path) -> None:
    page = NameCorrectionPage(browser, tmp_path, NOBODY, recording_id="../-rf $(x) <b>")
    page.correct_name(0, "Anna")
    assert page.read_text("#then").endswith("daylong speakers apply rf-x-b-.corrections.json")
    assert page.save_corrections("rf-x-b-.corrections.json")["recording_id"] == "../-rf $(x) <b>"


def test_a_name_on_paper_is_the_page_s_name(page: NameCorrectionPage) -> None:
    page.correct_name(1, "Carla")
    page.run_script("document.documentElement.dataset.theme = 'dark'")
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wait_until(lambda: page.read_line_names()[1] == "Carla", 30, 0.05)
    assert page.read_speaker_row(1) == "Carla SPEAKER_01 not saved"
    assert page.read_speaker_row(2) == "SPEAKER_02 perhaps Bert?"
    assert not page.browser.find_element("id", "corrections").is_displayed()
    look = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    assert page.run_script(look) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_speakers_there_is_nothing_to_name(browser: Any, tmp_path: Path) -> None:
    report = ReportPage(browser, write_report(make_without_diarization(), tmp_path))
    assert report.find_all(".person") == []
    assert not report.browser.find_element("id", "corrections").is_displayed()
    assert report.read_console() == []


def test_the_browser_itself_asks_before_the_page_is_left(page: NameCorrectionPage) -> None:
    page.correct_name(1, "Carla")
    page.browser.execute_cdp_cmd("Page.enable", {})
    page.browser.get("about:blank")
    said = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    opened = [m["params"]["type"] for m in said if m["method"] == "Page.javascriptDialogOpening"]
    # The driver repeats a navigation that takes long, and the browser then asks again.
    assert set(opened) == {"beforeunload"}
