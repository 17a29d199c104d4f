"""Scores on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.cli.summary import make_table
from flows.cli.terminal import Terminal, escape
from flows.cli.word_scores import format_percent, format_word_rates, list_word_rows
from tasks.intervals import format_clock

if TYPE_CHECKING:
    from tasks.evaluation.diarization import DiarizationScore, SpeakerMatch
    from tasks.evaluation.reliability import Reliability
    from tasks.evaluation.score import Score
    from tasks.evaluation.worst import WorstStretch


def show_score(result: Score, screen: Terminal) -> None:
    """Print the figures of one recording, then its speakers."""
    screen.say(f"{escape(result.recording_id)} against {escape(result.reference)}", style="bold")
    if not result.regions_given:
        end = result.regions[-1].end_s if result.regions else 0.0
        screen.say(f"No UEM: scored from 0 to {end:.1f} s, the last end of either side.")
    table = make_table(screen, "", "", "", texts=1)
    table.show_header = False
    table.columns[2].justify = "left"
    table.columns[2].no_wrap = False  # on a narrow terminal the remarks are folded, not the figures
    for row in [*(_list_diarization_rows(result.diarization) if result.diarization else []), *list_word_rows(result)]:
        table.add_row(*row)
    screen.print_table(table)
    for remark in (result.words_missing, *result.remarks):
        if remark:
            screen.note(escape(remark))
    for what, reliability in (("words", result.sure_words), ("speakers of words", result.sure_speakers)):
        if reliability is not None and reliability.wrong:
            screen.say(format_reliability(what, reliability))
    if result.worst:
        screen.say(format_worst_stretch(result.worst))
    screen.say()
    if result.speakers:
        _show_speakers(result, screen)
        screen.say()


def format_score(result: Score) -> str:
    """Format the figures that sum up a recording in one line."""
    parts = []
    if result.diarization:
        found, of = result.diarization.speakers_found, result.diarization.speakers_reference
        parts += [f"{found} of {of} speakers found", f"DER {format_percent(result.diarization.der)}"]
    parts += format_word_rates(result)
    return ", ".join(parts)


def _list_diarization_rows(diarization: DiarizationScore) -> list[tuple[str, str, str]]:
    return [
        ("DER", format_percent(diarization.der), f"collar 0, overlapping speech scored ({diarization.scorer})"),
        ("  missed", format_percent(diarization.missed), ""),
        ("  false alarm", format_percent(diarization.false_alarm), ""),
        ("  confusion", format_percent(diarization.confusion), ""),
        ("DER", format_percent(diarization.der_collar), "collar 0.25 s on each side"),
        ("DER", format_percent(diarization.der_single), "collar 0, overlapping speech left out"),
        (
            "DER",
            format_percent(diarization.der_collar_single),
            "collar 0.25 s on each side, overlapping speech left out",
        ),
        ("JER", format_percent(diarization.jer), ""),
        ("purity", format_percent(diarization.purity), ""),
        ("coverage", format_percent(diarization.coverage), ""),
        ("speakers", str(diarization.speakers_found), f"of {diarization.speakers_reference} in the reference"),
    ]


def _show_speakers(result: Score, screen: Terminal) -> None:
    table = make_table(screen, "reference", "found as", "minutes", "in common", "share", texts=2)
    for match in result.speakers:
        minutes, common = f"{match.reference_s / 60:.1f}", f"{match.common_s / 60:.1f}"
        table.add_row(
            escape(match.reference), escape(match.found or "–"), minutes, common, format_percent(match.share)
        )
    screen.print_table(table)
    for match in result.speakers:
        if match.absence:
            screen.say(format_absence(match))


def format_reliability(what: str, reliability: Reliability) -> str:
    """Format the share of errors that checking the least confident parts would find."""
    least, most = reliability.bins[0], reliability.bins[-1]
    found = ", ".join(f"{share} hold {100 * caught:.0f} %" for share, caught in reliability.caught.items())
    return (
        f"Least sure {what}: {found} of the wrong ones; "
        f"right are {format_percent(least.right)} of the least sure tenth, "
        f"{format_percent(most.right)} of the surest"
    )


def format_worst_stretch(worst: WorstStretch) -> str:
    """Format the ten minutes with the most errors, and their kinds."""
    parts = {"confusion": worst.confusion_s, "missed": worst.missed_s, "false alarm": worst.false_alarm_s}
    order = sorted(parts, key=lambda name: -parts[name])
    texts = [f"{name} {parts[name] / 60:.1f}" for name in order if parts[name] >= 3]
    if worst.speaker is not None and worst.taken_for is not None and worst.taken_s >= 3:
        whose = f", {escape(worst.whose)}'s name," if worst.whose else ""
        texts.append(f"{escape(worst.speaker)} under {escape(worst.taken_for)}{whose} for {worst.taken_s / 60:.1f}")
    return (
        f"Worst ten minutes: {format_clock(worst.start_s)} – {format_clock(worst.end_s)}, "
        f"{worst.wrong_s / 60:.1f} minutes wrong of {worst.reference_s / 60:.1f}: {'; '.join(texts)}"
    )


def format_absence(match: SpeakerMatch) -> str:
    """Format the label of a speaker before and after a long absence."""
    away = match.absence
    if away is None:
        return ""
    minutes = (away.end_s - away.start_s) / 60
    return (
        f"{escape(match.reference)} is silent for {minutes:.0f} minutes: under {escape(match.found or 'no name')} "
        f"{format_percent(away.share_before)} of the speech before, {format_percent(away.share_after)} after"
    )
