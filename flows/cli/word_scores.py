"""Scores of words and characters on the terminal: as written, and normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.evaluation.score import Score
    from tasks.evaluation.text_scores import TextScore
    from tasks.evaluation.words import WordScore

Row = tuple[str, str, str]
"""Name, figure, remark."""


def list_word_rows(result: Score) -> list[Row]:
    """List the rates as written, then the normalised ones; characters in languages without blanks between words."""
    rows = _list_rows_of_characters(result.characters) if result.characters else []
    if not rows and result.words:
        rows = _list_rows_of_words(result.words)
    return rows + (_list_normalized_rows(result, result.normalized) if result.normalized else [])


def format_word_rates(result: Score) -> list[str]:
    """Format each rate as written, with the normalised one in parentheses."""
    normalized = result.normalized
    plain: list[tuple[str, float | None, float | None]] = []
    if result.characters:
        plain = [
            ("CER", result.characters.cer, normalized.cer if normalized else None),
            ("cpCER", result.characters.cpcer, normalized.cpcer if normalized else None),
        ]
    elif result.words:
        plain = [
            ("WER", result.words.wer, normalized.wer if normalized else None),
            ("cpWER", result.words.cpwer, normalized.cpwer if normalized else None),
        ]
    return [
        f"{name} {format_percent(rate)}" + ("" if other is None else f" ({format_percent(other)} normalised)")
        for name, rate, other in plain
        if rate is not None
    ]


def format_percent(rate: float) -> str:
    """Format a fraction as a percentage.

    >>> format_percent(0.1084)
    '10.8 %'
    """
    return f"{100 * rate:.1f} %"


def _list_rows_of_words(words: WordScore) -> list[Row]:
    counts = _format_counts(words, words.num_words, "words")
    rows = []
    if words.wer is not None:
        remark = "all speakers' words as one stream" + (f", {counts}" if words.cpwer is None else "")
        rows.append(("WER", format_percent(words.wer), remark))
    if words.cpwer is not None and words.tcpwer is not None:
        rows += [
            ("cpWER", format_percent(words.cpwer), counts),
            ("tcpWER", format_percent(words.tcpwer), "words count within 5 s"),
        ]
    return rows


def _list_rows_of_characters(score: TextScore) -> list[Row]:
    counts = _format_counts(score, score.num_units, "characters")
    rows = []
    if score.cer is not None:
        remark = "all speakers' characters as one stream" + (f", {counts}" if score.cpcer is None else "")
        rows.append(("CER", format_percent(score.cer), remark))
    if score.cpcer is not None:
        rows.append(("cpCER", format_percent(score.cpcer), counts))
    return rows


def _list_normalized_rows(result: Score, score: TextScore) -> list[Row]:
    name, what = ("CER", "characters") if score.unit == "character" else ("WER", "words")
    if result.language is None:
        language = "--language says in which language"
    else:
        language = f"language {result.language}" + ("" if result.language_given else ", as in the transcript")
    how = f"normalised: {score.normalizer}, numbers {score.numbers}; {language}"
    rows = [] if score.rate is None else [(name, format_percent(score.rate), how)]
    if score.cp_rate is not None:
        counts = _format_counts(score, score.num_units, what)
        rows.append((f"cp{name}", format_percent(score.cp_rate), f"normalised, {counts}"))
    return rows


def _format_counts(score: WordScore | TextScore, count: int, what: str) -> str:
    return (
        f"of {count:,} {what}: {score.insertions} inserted, {score.deletions} deleted, "
        f"{score.substitutions} substituted"
    )
