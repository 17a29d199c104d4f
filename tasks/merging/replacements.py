"""Replace what a recogniser hears by what is meant: names and terms that it misspells, from a person's file.

Pure, but for `read_replacements`. A file has a line for each: `heard => meant` (or `→`, or a tab between them); lines
that begin with # are comments. Heard words are found whole, in any case and with any punctuation around them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.errors import UsageError
from tasks.records import Word
from tasks.sentences import weigh_break
from tasks.word_forms import to_search_form

MAX_BYTES = 1_000_000
MAX_CHARS = 200
"""Of either side of a line."""

_LINE = re.compile(r"\s*(?P<heard>.*?)\s*(?:=>|→|\t)\s*(?P<meant>.*?)\s*")
_AFFIXES = re.compile(r"(?P<before>\W*)(?P<said>.*?)(?P<after>\W*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Replacement:
    """`heard`: the search form of one or more words, with blanks between them as in running text."""

    heard: str
    meant: str


def read_replacements(path: Path) -> tuple[Replacement, ...]:
    """Read a file of replacements, UTF-8. Raises UsageError, naming the line that can't be read."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise UsageError(f"transcription.replacements = {path}: can't be read ({error.strerror})") from None
    if data is None:
        raise UsageError(f"transcription.replacements = {path}: larger than {MAX_BYTES // 1_000_000} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"transcription.replacements = {path}: not UTF-8. Save it as such") from None
    return parse_replacements(text, str(path))


def parse_replacements(text: str, name: str = "replacements") -> tuple[Replacement, ...]:
    """Parse the lines of a file. Raises UsageError for a line that is none, and for one heard twice.

    >>> parse_replacements("# terms\\ncube control => kubectl\\nAnna→Hannah")
    (Replacement(heard='cube control', meant='kubectl'), Replacement(heard='anna', meant='Hannah'))
    """
    found: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"transcription.replacements = {name}, line {number}"
        parts = _LINE.fullmatch(line)
        heard = _to_form(parts["heard"]) if parts else ""
        if parts is None or not heard or not parts["meant"] or re.search(r"=>|→|\t", parts["meant"]):
            raise UsageError(f"{where}: write it as heard => meant")
        if max(len(parts["heard"]), len(parts["meant"])) > MAX_CHARS:
            raise UsageError(f"{where}: longer than {MAX_CHARS} characters")
        meant = " ".join(parts["meant"].split())
        if found.setdefault(heard, (number, meant))[1] != meant:
            raise UsageError(f"{where}: {parts['heard']} is in line {found[heard][0]} already, with another meaning")
    return tuple(Replacement(heard, meant) for heard, (_, meant) in found.items())


def replace_heard(words: Sequence[Word], replacements: Sequence[Replacement]) -> tuple[Word, ...]:
    """Replace heard words, of one speaker and one sentence each, by what is meant; of several replacements that begin
    at a word the longest. Each new word keeps in `heard` what the recogniser wrote.

    As many words as were heard keep their times one by one; any other number is one word from the first's start to
    the last's end. What is meant is written as the file has it; where that is all lower case, in the case of what was
    heard.
    """
    if not replacements:
        return tuple(words)
    meant = {each.heard: each.meant for each in replacements}
    begun = {heard[:i] for heard in meant for i in range(1, len(heard) + 1)}
    out: list[Word] = []
    i = 0
    while i < len(words):
        count, text = _find_longest(words, i, meant, begun)
        out += _replace_run(words[i : i + count], text) if text is not None else [words[i]]
        i += max(1, count)
    return tuple(out)


def _find_longest(words: Sequence[Word], i: int, meant: Mapping[str, str], begun: set[str]) -> tuple[int, str | None]:
    """The longest run of words from `i` on that is heard as something: (its length, what is meant)."""
    form = ""
    best: tuple[int, str | None] = (0, None)
    for k, word in enumerate(words[i:]):
        if k and ((word.speaker, word.channel) != (words[i].speaker, words[i].channel) or _ends(words[i + k - 1])):
            break
        form += " " * bool(form and word.space_before) + _to_form(word.text)
        if form not in begun:
            break
        # A run ends where a word does: of scripts without blanks each letter is a word.
        if form in meant:
            best = (k + 1, meant[form])
    return best


def _ends(word: Word) -> bool:
    return weigh_break(word.text) > 0


def _to_form(text: str) -> str:
    """The search form of each word of a text."""
    return " ".join(filter(None, map(to_search_form, text.split())))


def _replace_run(run: Sequence[Word], meant: str) -> list[Word]:
    heard = "".join(" " * (w.space_before and k > 0) + w.text for k, w in enumerate(run))
    parts = _AFFIXES.fullmatch(heard)
    assert parts is not None  # it matches any text
    text = f"{parts['before']}{_take_case(meant, parts['said'])}{parts['after']}"
    new = text.split()
    if len(new) == len(run):
        return [replace(w, text=t, heard=w.text) for w, t in zip(run, new, strict=True)]
    sure = [w.confidence for w in run if w.confidence is not None]
    confidence = sum(sure) / len(sure) if sure else None
    overlaps = any(w.is_overlap for w in run)
    return [replace(run[0], end_s=run[-1].end_s, text=text, heard=heard, confidence=confidence, is_overlap=overlaps)]


def _take_case(meant: str, said: str) -> str:
    """Write a text without any capital in the case of what was heard.

    >>> [_take_case("kubectl", said) for said in ("Cube control", "CUBE CONTROL", "cube Control")]
    ['Kubectl', 'KUBECTL', 'kubectl']
    >>> _take_case("iPhone", "I phone")
    'iPhone'
    """
    if meant != meant.lower():
        return meant
    if len(said) > 1 and said.isupper():
        return meant.upper()
    return meant[:1].upper() + meant[1:] if said[:1].isupper() else meant
