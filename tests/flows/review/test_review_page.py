"""The page of `daylong review`: who may ask for it, and that what is corrected in it is in the results."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flows.review.app import Door, create_app
from flows.review.session import Review
from tasks.corrections.facts import write_row
from tasks.corrections.store import read_log
from tasks.dataset.read import read_transcript
from tasks.exports import render
from tests.helpers.browser import open_chromium
from tests.helpers.corrected_recording import LINE, RECORDING, SHA256, CorrectedRecording
from tests.helpers.waiting import wait_until

HOST = "127.0.0.1:8123"
TOKEN = "once"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[CorrectedRecording]:
    with pytest.MonkeyPatch.context() as patch:
        made = CorrectedRecording(tmp_path, patch)
        made.formats = ("srt", "json", "report")
        made.run("run-1")
        yield made


@pytest.fixture
def review(place: CorrectedRecording) -> Review:
    return Review(place.out, RECORDING, 600.0, audio=place.sound, say=lambda line: None)


@pytest.fixture
def client(review: Review) -> TestClient:
    app = create_app(review, Door(TOKEN, (HOST,)))
    return TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)


def post(client: TestClient, *edits: Any, instead_of: tuple[int, ...] = (), **headers: str) -> Any:
    body = {"edits": list(edits), "instead_of": list(instead_of)}
    return client.post("/corrections", json=body, headers=headers)


def test_the_token_counts_once(client: TestClient) -> None:
    assert client.get("/").status_code == 403
    assert client.get("/?token=other").status_code == 403
    first = client.get(f"/?token={TOKEN}")
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "samesite=strict" in first.headers["set-cookie"].lower()
    page = client.get("/")
    assert page.status_code == 200
    assert "connect-src &#39;self&#39;" in page.text
    assert "fetch(" in page.text
    client.cookies.clear()
    again = client.get(f"/?token={TOKEN}")
    assert again.status_code == 403
    assert "Start it again" in again.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"}, {"content-type": "text/plain"}],
)
def test_other_pages_and_names_are_refused(
    client: TestClient, place: CorrectedRecording, headers: dict[str, str]
) -> None:
    client.get(f"/?token={TOKEN}")
    assert post(client, write_row(place.edit(0, "It was.")), **headers).status_code == 403
    assert read_log(place.store).facts == ()


def test_the_sound_is_served_in_parts_and_nothing_else(client: TestClient, place: CorrectedRecording) -> None:
    client.get(f"/?token={TOKEN}")
    held = place.sound.read_bytes()
    assert client.get("/sound/0").content == held
    part = client.get("/sound/0", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, held[100:200])
    for path in ("/sound/1", "/sound/-1", "/sound/..%2f..%2fetc%2fpasswd", "/etc/passwd"):
        assert client.get(path).status_code == 404


def test_a_correction_is_entered_at_once_and_written_by_the_writer(
    client: TestClient, review: Review, place: CorrectedRecording
) -> None:
    client.get(f"/?token={TOKEN}")
    before = review.find_prospect()
    said = post(client, write_row(place.edit(0, "It was."))).json()
    assert said["numbers"] == [1]
    assert said["errors"][0] == 0
    assert all(errors > 0 for errors in said["errors"][1:])
    assert str(review.find_prospect()) == said["prospect"] != str(before)
    assert place.read_texts()[0] == LINE
    review.write()
    assert place.read_texts()[0] == "It was."
    assert place.machine is not None
    place.check(place.machine)


def test_what_is_corrected_anew_takes_the_place_of_what_was_sent(
    client: TestClient, review: Review, place: CorrectedRecording
) -> None:
    client.get(f"/?token={TOKEN}")
    first = write_row(place.edit(0, "It was."))
    assert post(client, first).json()["numbers"] == [1]
    assert post(client, {**first, "now": "So it was."}, instead_of=(1,)).json()["numbers"] == [2]
    refused = post(client, first, instead_of=(1,))
    assert (refused.status_code, refused.json()["error"]) == (409, "there is no correction 1 to undo.")
    assert post(client, instead_of=(2,)).json()["numbers"] == []
    review.write()
    assert place.read_texts()[0] == LINE


def test_a_line_that_was_heard_and_is_right_is_not_listened_to_again(
    review: Review, place: CorrectedRecording
) -> None:
    found, _ = review.find_survey()
    place.apply(place.edit(1, LINE))
    again, judged = review.find_survey()
    assert len(judged) == 1
    assert again.errors < found.errors
    assert place.read_texts() == [LINE] * 4
    assert not any(w.edited for w in read_transcript(place.out, RECORDING).words)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"edits": [1], "instead_of": []}', b'{"edits": 3}', b"\xff"])
def test_anything_else_is_refused(client: TestClient, place: CorrectedRecording, body: bytes) -> None:
    client.get(f"/?token={TOKEN}")
    answer = client.post("/corrections", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "no corrections" in answer.json()["error"]
    assert client.post("/names", content=body, headers={"content-type": "application/json"}).status_code == 400
    assert read_log(place.store).facts == ()


def test_a_report_from_a_file_lists_what_to_listen_to(place: CorrectedRecording) -> None:
    page = render(read_transcript(place.out, RECORDING), ["report"])["report.html"]
    assert 'id="nextline"' in page
    assert "connect-src" not in page
    assert "fetch(" not in page


@contextmanager
def serving(review: Review) -> Iterator[str]:
    """The review's address, as the command serves it, until the block ends."""
    import uvicorn

    from flows.review.serve import HOST as LOOPBACK
    from flows.review.serve import listen

    listener = listen(0)
    port = listener.getsockname()[1]
    app = create_app(review, Door(TOKEN, (f"{LOOPBACK}:{port}",)))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{port}/?token={TOKEN}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.slow
def test_lines_are_reviewed_by_keyboard_alone(review: Review, place: CorrectedRecording) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    enter, control = "\ue007", "\ue009"

    with serving(review) as address, open_chromium() as browser:
        press = lambda *keys: ActionChains(browser).send_keys(*keys).perform()  # noqa: E731
        browser.get(address)
        wait_until(lambda: browser.find_elements("css selector", ".line"), 30, 0.05)
        assert "hold about" in browser.find_element("id", "buys").text
        press("n")
        wait_until(lambda: not browser.execute_script("return document.getElementById('audio').paused"), 30, 0.05)
        ActionChains(browser).key_down(control).send_keys("a").key_up(control).perform()
        press("So it was." + enter)
        wait_until(lambda: len(read_log(place.store).facts) == 1, 30, 0.05)
        press("n")
        press(enter)  # heard, and right
        wait_until(lambda: len(read_log(place.store).facts) == 2, 30, 0.05)
        wait_until(lambda: "in the results" in browser.find_element("id", "unsaved").text, 30, 0.05)
        first, second = read_log(place.store).of(SHA256)
        assert (first.now, second.now) == ("So it was.", LINE)
        review.write()
        assert "So it was." in place.read_texts()
        browser.get(address.partition("?")[0])
        wait_until(lambda: browser.find_elements("css selector", ".w.edited"), 30, 0.05)
        assert [e["message"] for e in browser.get_log("browser") if "favicon" not in e["message"]] == []
