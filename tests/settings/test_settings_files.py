"""Settings files as editors of other systems save them; what can't be read is refused with file and line."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.environment import read_what_is_valid
from tasks.errors import UsageError
from tasks.settings.home import home
from tasks.settings.load import load
from tasks.settings.schema import Settings

TOML = '# for the café\nprofile = "demo"\n[inbox]\nattempts = 7\n'
DOTENV = "# for the café\nDAYLONG_PROFILE=demo\nDAYLONG_INBOX__ATTEMPTS=7\n"

ENCODERS: dict[str, Callable[[str], bytes]] = {
    "as UTF-8": str.encode,
    "with a byte order mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "with two byte order marks": lambda text: 2 * codecs.BOM_UTF8 + text.encode(),
    "with the ends of lines of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "with the ends of lines of old Macs": lambda text: text.replace("\n", "\r").encode(),
    "with all of Notepad's": lambda text: codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode(),
    "as PowerShell's UTF-16": lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
    "as UTF-16, the other way round": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
}
FILES = pytest.mark.parametrize(("name", "text"), [("daylong.toml", TOML), (".env", DOTENV)])


def read(folder: Path, **environment: str) -> Settings:
    return load(environment=environment, folder=folder)


@FILES
@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_files_are_read_as_editors_save_them(
    tmp_path: Path, name: str, text: str, encode: Callable[[str], bytes]
) -> None:
    (tmp_path / name).write_bytes(encode(text))
    assert (read(tmp_path).profile, read(tmp_path).inbox.attempts) == ("demo", 7)


@FILES
@pytest.mark.parametrize(
    ("content", "line"),
    [
        (lambda text: text.encode("cp1252"), 1),
        (lambda text: text.encode("utf-16-le"), 1),
        (lambda text: text.encode("utf-32"), 1),
        (lambda text: b"# fine\r\n" + text.encode("cp1252"), 2),
        (lambda text: codecs.BOM_UTF8 + b"\r\n" + text.encode("cp1252"), 2),
        (lambda text: b"# fine\n\0\0\0\0" + text.encode(), 2),
    ],
    ids=["Windows-1252", "UTF-16 without a mark", "UTF-32", "in line 2", "after a mark", "zeros after a crash"],
)
def test_other_encodings_are_refused_with_file_and_line(
    tmp_path: Path, name: str, text: str, content: Callable[[str], bytes], line: int
) -> None:
    (tmp_path / name).write_bytes(content(text))
    with pytest.raises(UsageError) as refused:
        read(tmp_path)
    assert f"{tmp_path / name}: line {line} is not UTF-8. Save the file anew" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('DAYLONG_PROFILE="demo\n', 1),
        ("DAYLONG_PROFILE=demo\n\n\nDAYLONG_OUT='a' b\n", 4),
        ("\r\n\r\n=demo\r\n", 3),
        ("# a comment\nDAYLONG_PROFILE: demo\n", 2),
        ("OTHER=1\ndaylong_profile\n", 2),
        ("export PREFECT_API_URL\n", 1),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_once_and_nothing_is_logged(
    tmp_path: Path, text: str, line: int, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".env").write_bytes(text.encode())
    with caplog.at_level(logging.WARNING):
        assert read_what_is_valid(tmp_path / ".env") == {}  # as `import flows` does
        with pytest.raises(UsageError) as refused:
            read(tmp_path)
    assert f"{tmp_path / '.env'}: line {line} can't be read. Write NAME=value" in str(refused.value)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("text", "line"),
    [("profile =", 1), ("[inbox]\nattempts = 3 3\n", 2), ('\ufeffprofile = "demo"\nout = "\n', 2), ("a = [\n\n", 1)],
)
def test_wrong_toml_is_refused_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "daylong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=rf"daylong\.toml: not valid TOML: .*line {line}\b"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["daylong_inbox__attempts", "Daylong_Inbox__Attempts", "DAYLONG_INBOX__ATTEMPTS"])
def test_variables_are_read_in_any_letter_case(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, **{name: "5"}).inbox.attempts == 5
    (tmp_path / ".env").write_text(f"{name}=6\n")
    assert read(tmp_path).inbox.attempts == 6
    assert read(tmp_path, **{name: "5"}).inbox.attempts == 5


def test_a_variable_in_capitals_wins_over_one_that_is_not(tmp_path: Path) -> None:
    assert read(tmp_path, daylong_inbox__attempts="5", DAYLONG_INBOX__ATTEMPTS="4").inbox.attempts == 4
    (tmp_path / ".env").write_text("DAYLONG_INBOX__ATTEMPTS=4\ndaylong_inbox__attempts=5\n")
    assert read(tmp_path).inbox.attempts == 4


def test_the_home_is_named_in_any_letter_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAYLONG_HOME", raising=False)
    monkeypatch.setenv("daylong_home", str(tmp_path))
    assert home() == tmp_path.resolve()
    monkeypatch.setenv("DAYLONG_HOME", str(tmp_path / "other"))
    assert home() == tmp_path.resolve() / "other"


def test_a_wrong_variable_in_lower_case_is_refused_as_any(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"inbox\.atempts: there is no such setting"):
        read(tmp_path, daylong_inbox__atempts="5")


@pytest.mark.parametrize("name", ["daylong.toml.txt", ".env.txt", "Daylong.toml", "DAYLONG.TOML", ".ENV"])
def test_a_file_under_a_name_that_is_not_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(UsageError, match=r"is not read\. Rename it to (daylong\.toml|\.env)\."):
        read(tmp_path)


def test_a_copy_beside_the_file_that_is_read_is_nobodys_fault(tmp_path: Path) -> None:
    (tmp_path / "daylong.toml").write_text(TOML)
    (tmp_path / "daylong.toml.txt").write_text("an older one")
    assert read(tmp_path).inbox.attempts == 7


@pytest.mark.parametrize("name", ["daylong.toml", ".env"])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="a folder, where a file of settings is read"):
        read(tmp_path)
    (tmp_path / name).rmdir()
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="a link to a file that is not there"):
        read(tmp_path)
    (tmp_path / "elsewhere").write_text("")
    assert read(tmp_path).inbox.attempts == 3
