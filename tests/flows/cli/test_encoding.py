"""A locale that forces ASCII: text files are read as UTF-8, and the terminal's encoding stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.encoding import choose_encodings

READ = """
import sys
from pathlib import Path
from flows.cli.encoding import ensure_utf8
ensure_utf8()
print(Path(sys.argv[1]).read_text(), sys.stdout.encoding, sys.argv[2])
"""


@pytest.mark.parametrize("locale", ["ANSI_X3.4-1968", "ISO-8859-1", "cp1252", "no encoding"])
def test_a_locale_of_another_encoding_starts_the_command_again(locale: str) -> None:
    chosen = choose_encodings(False, locale, "ascii", {})
    assert chosen == {"PYTHONUTF8": "1", "PYTHONIOENCODING": "ascii"}
    assert choose_encodings(False, locale, "ascii", chosen) == {}


@pytest.mark.parametrize("locale", ["UTF-8", "utf8", "UTF8"])
def test_a_locale_of_utf8_does_not(locale: str) -> None:
    assert choose_encodings(False, locale, "ascii", {}) == {}


def test_text_files_are_read_as_utf8_under_a_forced_ascii_locale(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.txt").write_text("Grüße", encoding="utf-8")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHON"))}
    forced = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path / "vocabulary.txt"), "Käse"],
        capture_output=True,
        check=False,
        env=clean | forced | {"PYTHONIOENCODING": "ascii:backslashreplace"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"Gr\\xfc\\xdfe ascii K\\xe4se\n"
