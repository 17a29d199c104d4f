"""`daylong translate`, exports by language, and what becomes of them when a person is renamed or forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from tasks.dataset.publish import publish
from tasks.dataset.read import read_transcript
from tasks.exports import render
from tests.helpers.chat_service import Asked, ChatService, Reply, obey, run_chat_service
from tests.helpers.sample_transcripts import make_meeting
from tests.helpers.voices_home import MON, NAME, VoicesHome

MEETING = "meeting-0a1b2c3d"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_LOCAL_STORAGE_PATH", raising=False)
    return tmp_path


@pytest.fixture
def out(home: Path) -> Path:
    folder = home / "data" / "transcripts"
    publish(make_meeting(), folder, exports=render(make_meeting()))
    return folder


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatService]:
    with run_chat_service() as running:
        monkeypatch.setenv("DAYLONG_TRANSLATION__BASE_URL", running.url)
        yield running


def daylong(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def read_files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*") if p.is_file()}


def test_languages_are_added_and_nothing_else_changes(out: Path, service: ChatService) -> None:
    before = read_files(out)
    done = daylong("translate", "meeting", "--to", "de,French")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[:2] == [
        "German (de): 6 of 6 sentences translated",
        "French (fr): 6 of 6 sentences translated",
    ]
    after = read_files(out)
    own = [
        f"exports/{MEETING}/transcript.{code}.{form}"
        for code in ("de", "fr")
        for form in ("srt", "vtt", "txt", "json")
    ]
    own += [f"exports/{MEETING}/report.{code}.html" for code in ("de", "fr")]
    table = f"translations/recorded_date=2024-05-01/{MEETING}.parquet"
    assert sorted(after.keys() - before.keys()) == sorted([*own, table])
    report = f"exports/{MEETING}/report.html"
    assert [name for name in before if before[name] != after[name]] == [report]
    assert b'href="report.fr.html"' in after[report]
    rows = read_transcript(out, MEETING).translations
    assert [(r.language, r.segment, r.status, r.engine) for r in rows] == [
        (code, i, "translated", "openai/some-model") for code in ("de", "fr") for i in range(4)
    ]
    counted = daylong(
        "query", "select language, count(*) from translations group by all order by all", "--format", "csv"
    )
    assert counted.stdout.split()[1:] == ["de,4", "fr,4"]


def test_the_same_command_asks_for_nothing_again_and_gives_the_same(out: Path, service: ChatService) -> None:
    daylong("translate", "meeting", "--to", "de")
    first, asked = read_files(out), len(service.asked)
    done = daylong("translate", "meeting", "--to", "de")
    assert done.stdout.startswith("German (de): 6 of 6 sentences translated (6 before)\n")
    assert (read_files(out), len(service.asked)) == (first, asked)


def test_every_report_leads_to_all_languages(out: Path, service: ChatService) -> None:
    for language in ("de", "fr"):
        assert daylong("translate", "meeting", "--to", language).exit_code == 0
    there = ("report.html", "report.de.html", "report.fr.html")
    for name in there:
        page = (out / "exports" / MEETING / name).read_text()
        assert [other for other in there if f'href="{other}"' in page] == [o for o in there if o != name]


def test_export_by_language(out: Path, service: ChatService) -> None:
    daylong("translate", "meeting", "--to", "de")
    path = out / "exports" / MEETING / "transcript.de.srt"
    written = path.read_bytes()
    path.unlink()
    done = daylong("export", "meeting", "--format", "srt", "--language", "German")
    assert (done.exit_code, done.stdout) == (0, f"{path}\n")
    assert path.read_bytes() == written
    for arguments, said in [
        (("--format", "srt", "--language", "fr"), "no translation to French (fr); there is German (de)."),
        (("--format", "ctm", "--language", "de"), "ctm is the same in every language"),
        (("--format", "srt", "--language", "klingon"), "no language that is known"),
    ]:
        refused = daylong("export", "meeting", *arguments)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--to", "de", "--set", "translation.base_url=https://api.openai.com/v1"),
            "api.openai.com is another machine",
        ),
        (("--to", "de", "--set", "translation.base_url=http://10.0.0.9:11434/v1"), "translation.allow_remote = true"),
        (("--to", "klingon"), "no language that is known"),
        (("--to", "germn"), "did you mean German (de)?"),
        ((), "name a language at least"),
        (("--to", "de", "--set", "translation.glossary=nowhere.txt"), "nowhere.txt: can't be read"),
    ],
)
def test_wrong_usage_is_one_line_and_nothing_is_sent(
    out: Path, service: ChatService, arguments: tuple[str, ...], said: str
) -> None:
    before = read_files(out)
    done = daylong("translate", "meeting", *arguments)
    assert (done.exit_code, said in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.output
    assert (service.asked, read_files(out)) == ([], before)


def test_a_service_that_is_not_there_leaves_all_as_it_was(out: Path) -> None:
    before = read_files(out)
    away = ("--set", "translation.base_url=http://127.0.0.1:9/v1", "--set", "translation.attempts=1")
    done = daylong("translate", "meeting", "--to", "de", *away)
    assert (done.exit_code, "Is the service there?" in done.stderr) == (1, True)
    assert read_files(out) == before


def test_a_service_that_fails_on_the_way_costs_only_the_rest(out: Path, service: ChatService) -> None:
    def fail_later(asked: Asked) -> Reply:
        return obey(asked) if asked.number == 0 else Reply(status=401)

    service.answer = fail_later
    done = daylong("translate", "meeting", "--to", "de,fr", "--set", "translation.batch_size=2")
    assert done.exit_code == 1
    assert "refuses the key" in done.stderr
    assert "2 of 6 sentences translated; 4 stay as it was said" in done.stdout
    assert {r.language for r in read_transcript(out, MEETING).translations} == {"de"}
    service.answer = obey
    again = daylong("translate", "meeting", "--to", "de,fr")
    assert "German (de): 6 of 6 sentences translated (2 before)" in again.stdout


def test_a_person_that_is_forgotten_is_in_no_language(home: Path, service: ChatService) -> None:
    people = VoicesHome(home)
    assert daylong("translate", MON, "--to", "de").exit_code == 0
    folder = people.out / "exports" / MON
    kept = home / "data" / "cache" / "translations" / f"{MON}.jsonl"
    assert NAME in (folder / "transcript.de.srt").read_text()
    assert kept.is_file()
    people.speakers("rename", f"{MON}/SPEAKER_00", "Zoe")
    assert "Zoe: Os ti si, lla yad." in (folder / "transcript.de.txt").read_text()
    assert len(read_transcript(people.out, MON).translations) == 4
    people.speakers("forget", f"{MON}/SPEAKER_00", "--yes")
    assert people.is_erased()
    assert "Zoe" not in (folder / "transcript.de.srt").read_text()
    assert not kept.exists()
