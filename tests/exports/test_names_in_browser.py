"""Names in report.html: shown, corrected by mouse and by keyboard, undone, saved as the file that a command reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.voices.lookup import normalize_name
from tests.helpers.browser import chromium
from tests.helpers.daylong_server import until
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
    Page,
)
from tests.helpers.report_page import Report, put
from tests.helpers.sample_transcripts import make_without_diarization


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Page]:
    opened = Page(browser, tmp_path, ANNA, NOBODY, PERHAPS, PERHAPS_A_VOICE)
    yield opened
    assert opened.complaints() == []
    assert {url.split(":")[0] for url in opened.fetched()} <= {"blob"}


def test_names_stand_where_labels_would(page: Page) -> None:
    assert page.row(0) == "Anna SPEAKER_00 0.87 alike"
    assert page.row(1) == "SPEAKER_01"
    assert page.row(4) == "Unknown"
    assert page.lines() == ["Anna", "SPEAKER_01", "perhaps Bert?", "SPEAKER_03", "Unknown"]
    titles = [name.get_attribute("title") for name in page.all(".line .name")]
    assert titles[0] == "SPEAKER_00"
    assert titles[3] == "SPEAKER_03, perhaps the voice v8?"
    assert not page.browser.find_element("id", "corrections").is_displayed()
    assert not page.asks_before_it_is_left()


def test_what_may_be_is_asked_and_never_taken_for_known(page: Page) -> None:
    assert page.row(2) == "SPEAKER_02 perhaps Bert? Yes No"
    assert page.row(3) == "SPEAKER_03 perhaps the voice v8? Yes No"
    style = "return getComputedStyle(arguments[0]).fontStyle"
    assert page.does(style, page.all(".line .name")[2]) == "italic"
    assert page.does(style, page.all(".line .name")[0]) == "normal"


def test_a_name_is_corrected_by_mouse_everywhere_at_once(page: Page) -> None:
    before = page.does("return document.getElementById('detail').toDataURL()")
    page.correct(1, "  Zoë   Müller ")
    assert page.row(1) == "Zoë Müller SPEAKER_01 not saved"
    assert page.lines()[1] == "Zoë Müller"
    assert page.marked() == ["Zoë Müller"]
    until(lambda: page.does("return document.getElementById('detail').toDataURL()") != before, 30, 0.05)
    assert page.says() == "1 correction, not saved"
    assert page.changes() == ["SPEAKER_01 is Zoë Müller"]
    assert page.text("#then") == f"Apply the saved file: daylong speakers apply {FILE}"
    assert page.asks_before_it_is_left()


def test_a_name_is_corrected_by_keyboard(page: Page) -> None:
    page.does("document.getElementById('helped').focus()")
    page.press(TAB, ENTER)
    assert page.does("return document.activeElement.value") == "Anna"
    page.press("Hanna t/? +", ESCAPE)
    assert page.row(0) == "Anna SPEAKER_00 0.87 alike"
    assert page.does("return document.activeElement.textContent") == "Anna"
    page.press(ENTER, "Hanna", ENTER)
    assert page.row(0) == "Hanna SPEAKER_00 0.87 alike not saved"
    assert page.lines()[0] == "Hanna"
    assert page.does("return document.activeElement.textContent") == "Hanna"
    page.press(" ")
    assert page.does("return document.activeElement.value") == "Hanna"
    page.press("Anna", ENTER)
    assert page.row(0) == "Anna SPEAKER_00 0.87 alike"
    assert not page.browser.find_element("id", "corrections").is_displayed()
    assert page.does("return document.documentElement.dataset.theme") is None


def test_going_elsewhere_keeps_a_name_and_saving_does_too(page: Page) -> None:
    page.correct(1, "Carla", end="")
    assert page.asks_before_it_is_left()
    page.browser.find_element("css selector", "h1").click()
    assert page.lines()[1] == "Carla"
    page.correct(0, "Hanna", end="")
    assert [row["name"] for row in page.save()["speakers"]] == ["Hanna", "Carla"]


def test_nobody_names_whom_nobody_could_tell(page: Page) -> None:
    unknown = page.all(".person")[4]
    assert unknown.find_elements("css selector", "button") == []
    unknown.click()
    assert page.all(".naming") == []


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
def test_what_cannot_be_a_name_is_told_beside_the_field(page: Page, name: str, why: str) -> None:
    page.person(1).click()
    page.does("document.activeElement.value = arguments[0]", name)
    page.press(ENTER)
    assert page.complaint() == why
    assert page.does("return document.activeElement.getAttribute('aria-invalid')") == "true"
    page.press("y")
    assert page.all(".told.wrong") == []
    page.press(ESCAPE)
    assert page.row(1) == "SPEAKER_01"
    assert page.lines()[1] == "SPEAKER_01"


def test_names_of_all_the_world_are_names(page: Page) -> None:
    page.person(1).click()
    for name in ("国" * 60, "👩‍👩‍👧 Ana", "شهرزاد قصه گو", "=HYPERLINK(1)", "O’Neil-d'Arc, Jr."):
        page.does("document.activeElement.value = arguments[0]", name)
        page.press(ENTER)
        assert page.lines()[1] == name
        assert page.save()["speakers"][0]["name"] == name
        page.person(1).click()
    page.press(ESCAPE)
    assert page.does("return document.documentElement.scrollWidth <= innerWidth")


def test_what_the_page_takes_the_command_takes(page: Page) -> None:
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
        page.clicks(page.person(1))
        page.does("document.activeElement.value = JSON.parse(arguments[0])", json.dumps(name))
        page.press(ENTER)
        if page.all(".told.wrong"):
            page.press(ESCAPE)
            continue
        taken.append(name)
        shown = page.lines()[1]
        assert shown == "SPEAKER_01" or shown == normalize_name(shown)
    assert {"İ", "=1+1", "-rf", "e\u0301" * 60} < set(taken)


def test_the_name_of_who_it_may_be_answers_the_question(page: Page) -> None:
    page.answers(2, "No")
    page.correct(2, "bert")
    assert page.changes() == ["SPEAKER_02 is Bert"]
    assert page.save()["speakers"] == [{"speaker": "SPEAKER_02", "voice_id": "v3", "is": "v9"}]


def test_letters_and_their_accents_are_put_together(page: Page) -> None:
    page.person(1).click()
    page.does("document.activeElement.value = 'Zoe\u0308'")
    page.press(ENTER)
    assert page.save()["speakers"][0]["name"] == "Zo\u00eb"


def test_all_corrections_are_in_the_file_and_nothing_else(page: Page) -> None:
    page.correct(0, "")
    page.correct(1, "Carla")
    page.answers(2, "Yes")
    page.answers(3, "No")
    assert page.lines() == ["SPEAKER_00", "Carla", "Bert", "SPEAKER_03", "Unknown"]
    assert page.changes() == [
        "SPEAKER_00 is not called Anna any more",
        "SPEAKER_01 is Carla",
        "SPEAKER_02 is Bert",
        "SPEAKER_03 is not the voice v8",
    ]
    assert page.save() == {
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
    assert page.says() == "4 corrections, saved"
    assert page.row(1) == "Carla SPEAKER_01 saved"
    assert page.marked() == []
    assert not page.asks_before_it_is_left()


def test_a_voice_that_is_told_can_be_named_too(page: Page) -> None:
    page.answers(3, "Yes")
    page.correct(3, "Dora")
    page.correct(2, "Carlo")
    assert page.row(2) == "Carlo SPEAKER_02 not saved perhaps Bert? Yes No"
    page.answers(2, "No")
    assert page.row(2) == "Carlo SPEAKER_02 not saved"
    assert page.save()["speakers"] == [
        {"speaker": "SPEAKER_02", "voice_id": "v3", "is_not": "v9"},
        {"speaker": "SPEAKER_02", "voice_id": "v3", "was": None, "name": "Carlo"},
        {"speaker": "SPEAKER_03", "voice_id": "v4", "is": "v8"},
        {"speaker": "SPEAKER_03", "voice_id": "v4", "was": None, "name": "Dora"},
    ]


def test_corrections_are_undone_one_by_one(page: Page) -> None:
    page.correct(0, "Hanna")
    page.answers(2, "No")
    page.correct(1, "Carla")
    assert page.changes() == ["SPEAKER_00 is Hanna, not Anna", "SPEAKER_01 is Carla", "SPEAKER_02 is not Bert"]
    page.undo(1)
    assert page.changes() == ["SPEAKER_00 is Hanna, not Anna", "SPEAKER_02 is not Bert"]
    page.undo(1)
    assert page.row(2) == "SPEAKER_02 perhaps Bert? Yes No"
    page.undo(0)
    assert page.lines() == ["Anna", "SPEAKER_01", "perhaps Bert?", "SPEAKER_03", "Unknown"]
    assert not page.browser.find_element("id", "corrections").is_displayed()
    assert not page.asks_before_it_is_left()


def test_what_was_saved_and_then_changed_wants_saving_again(page: Page) -> None:
    page.correct(1, "Carla")
    page.answers(2, "Yes")
    page.save()
    page.correct(1, "Clara")
    assert page.says() == "2 corrections, not saved"
    assert page.marked() == ["Clara"]
    page.undo(0)
    assert page.says() == "1 correction, not saved"
    assert page.asks_before_it_is_left()
    assert page.save()["speakers"] == [{"speaker": "SPEAKER_02", "voice_id": "v3", "is": "v9"}]
    page.undo(0)
    assert page.says() == f"All undone. {FILE} still holds what was saved: delete it."
    assert not page.browser.find_element("id", "save").is_displayed()


def test_two_of_one_name_are_told_to_be_one(page: Page) -> None:
    page.correct(1, "Anna")
    assert page.changes() == ["SPEAKER_01 is Anna\nso is SPEAKER_00: one person"]


def test_a_name_that_cannot_be_one_keeps_the_file_from_being_saved(page: Page) -> None:
    page.correct(0, "Hanna")
    page.correct(1, "UNKNOWN", end="")
    page.browser.find_element("id", "save").click()
    assert page.complaint() == "UNKNOWN is a label, not a name."
    assert page.says() == "1 correction, not saved"
    assert list(page.downloads.iterdir()) == []
    page.person(0).click()
    assert page.does("return document.activeElement.value") == "UNKNOWN"
    page.press(ESCAPE)
    assert [row["name"] for row in page.save()["speakers"]] == ["Hanna"]


def test_hostile_names_are_text(browser: Any, tmp_path: Path) -> None:
    names = [MARKUP, "=HYPERLINK(\"http://x\")", "\u202egnp.exe", "国" * 60, "👩‍👩‍👧"]  # fmt: skip
    known = [{"name": n, "voice_id": n} for n in names] + [{"maybe_name": n, "maybe_voice_id": n} for n in names]
    page = Page(browser, tmp_path, *known)
    assert page.lines()[:5] == [MARKUP, names[1], "gnp.exe", *names[3:]]
    page.correct(5, MARKUP + "!")
    page.answers(5, "No")
    page.answers(6, "Yes")
    assert page.lines()[5:7] == [MARKUP + "!", names[1]]
    saved = page.save()["speakers"]
    assert saved[1] == {"speaker": "SPEAKER_05", "voice_id": None, "was": None, "name": MARKUP + "!"}
    assert saved[2] == {"speaker": "SPEAKER_06", "voice_id": None, "is": names[1]}
    assert page.does("return typeof window.pwned") == "undefined"
    assert page.does("return document.querySelectorAll('img').length") == 0
    assert page.does("return document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints() == []


def test_the_file_s_name_is_one_in_the_folder_of_downloads(browser: Any, tmp_path: Path) -> None:
    page = Page(browser, tmp_path, NOBODY, recording_id="../-rf $(x) <b>")
    page.correct(0, "Anna")
    assert page.text("#then").endswith("daylong speakers apply rf-x-b-.corrections.json")
    assert page.save("rf-x-b-.corrections.json")["recording_id"] == "../-rf $(x) <b>"


def test_a_name_on_paper_is_the_page_s_name(page: Page) -> None:
    page.correct(1, "Carla")
    page.does("document.documentElement.dataset.theme = 'dark'")
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    until(lambda: page.lines()[1] == "Carla", 30, 0.05)
    assert page.row(1) == "Carla SPEAKER_01 not saved"
    assert page.row(2) == "SPEAKER_02 perhaps Bert?"
    assert not page.browser.find_element("id", "corrections").is_displayed()
    look = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    assert page.does(look) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_without_speakers_there_is_nothing_to_name(browser: Any, tmp_path: Path) -> None:
    report = Report(browser, put(make_without_diarization(), tmp_path))
    assert report.all("#corrections, .person") == []
    assert report.complaints() == []


def test_the_browser_itself_asks_before_the_page_is_left(page: Page) -> None:
    page.correct(1, "Carla")
    page.browser.execute_cdp_cmd("Page.enable", {})
    page.browser.get("about:blank")
    said = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    opened = [m["params"]["type"] for m in said if m["method"] == "Page.javascriptDialogOpening"]
    # The driver repeats a navigation that takes long, and the browser then asks again.
    assert set(opened) == {"beforeunload"}
