"""Terms that are translated in one way, and names that stay as they are, from a person's file.

A file has a line for each: `term` stays, `term => translation` is translated so. Lines after `[de]` hold for
translations to German alone, up to the next such line; those before it for all. Lines that begin with # are comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UsageError
from tasks.languages import parse_language

MAX_BYTES = 1_000_000
MAX_CHARS = 200
"""Of either side of a line."""
_SECTION = re.compile(r"\[\s*(.*?)\s*\]")


@dataclass(frozen=True, slots=True)
class Term:
    """`meant` None: it stays. `language` None: in translations to any language."""

    term: str
    meant: str | None = None
    language: str | None = None


def read_glossary(path: Path) -> tuple[Term, ...]:
    """Read a glossary, UTF-8. Raises UsageError, naming the line that can't be read."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise UsageError(f"translation.glossary = {path}: can't be read ({error.strerror})") from None
    if data is None:
        raise UsageError(f"translation.glossary = {path}: larger than {MAX_BYTES // 1_000_000} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"translation.glossary = {path}: not UTF-8. Save it as such") from None
    return parse_glossary(text, str(path))


def parse_glossary(text: str, name: str = "glossary") -> tuple[Term, ...]:
    """Parse the lines of a glossary. Raises UsageError for a line that is none.

    >>> parse_glossary("Anna Berg\\n[de]\\nminutes => Protokoll")
    (Term(term='Anna Berg', meant=None, language=None), Term(term='minutes', meant='Protokoll', language='de'))
    """
    found: list[Term] = []
    language = None
    for number, raw in enumerate(text.splitlines(), 1):
        line, where = " ".join(raw.split()), f"translation.glossary = {name}, line {number}"
        if not line or line.startswith("#"):
            continue
        if section := _SECTION.fullmatch(line):
            language = parse_language(section[1])
            if language is None:
                raise UsageError(f"{where}: [{section[1]}] is no language; write a code or a name, [de]")
            continue
        term, arrow, meant = (part.strip() for part in re.sub("→", "=>", line).partition("=>"))
        if not term or (arrow and (not meant or "=>" in meant)):
            raise UsageError(f"{where}: write it as term, or as term => translation")
        if max(len(term), len(meant)) > MAX_CHARS:
            raise UsageError(f"{where}: longer than {MAX_CHARS} characters")
        found.append(Term(term, meant or None, language))
    return tuple(found)


def list_terms(text: str, terms: Sequence[Term], language: str) -> tuple[Term, ...]:
    """List the terms for a language that occur in a text, whole and in any case; each once, the language's own first.

    >>> [t.term for t in list_terms("The Minutes of Anna", parse_glossary("minutes => M\\nAnn"), "de")]
    ['minutes']
    """
    folded = text.casefold()
    found: dict[str, Term] = {}
    for own in (language, None):
        for term in terms:
            key = term.term.casefold()
            if term.language == own and key not in found and _occurs(key, folded):
                found[key] = term
    return tuple(found.values())


def _occurs(key: str, folded: str) -> bool:
    if key not in folded:
        return False
    # Scripts without blanks have no ends of words.
    begin = r"\b" if key[0].isascii() and key[0].isalnum() else ""
    end = r"\b" if key[-1].isascii() and key[-1].isalnum() else ""
    return re.search(f"{begin}{re.escape(key)}{end}", folded) is not None
