"""Glossaries: terms that are translated in one way, names that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.translation.glossary import Term, list_terms, parse_glossary, read_glossary


def test_a_language_of_its_own_comes_first() -> None:
    terms = parse_glossary("# terms\n\nminutes => minuta\nIstio\n[German]\nminutes → Protokoll\n")
    assert list_terms("The minutes of ISTIO's meeting", terms, "de") == (
        Term("minutes", "Protokoll", "de"),
        Term("Istio"),
    )
    assert list_terms("The minutes", terms, "pl") == (Term("minutes", "minuta"),)
    assert list_terms("Ministio", terms, "de") == ()


def test_terms_of_scripts_without_blanks_need_no_ends_of_words() -> None:
    assert list_terms("今日は東京です", parse_glossary("東京 => Tokyo"), "en") == (Term("東京", "Tokyo"),)


@pytest.mark.parametrize("line", ["=> Protokoll", "minutes =>", "a => b => c", "[klingon]", "x" * 201])
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(UsageError, match=r"translation\.glossary = glossary, line 2: "):
        parse_glossary(f"Anna\n{line}")


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.txt: can't be read"):
        read_glossary(tmp_path / "nothing.txt")
    (tmp_path / "latin.txt").write_bytes("Müller".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        read_glossary(tmp_path / "latin.txt")
