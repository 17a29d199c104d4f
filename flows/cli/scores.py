"""How scores look on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.cli.summary import columns
from flows.cli.terminal import Terminal, plain
from tasks.intervals import format_clock

if TYPE_CHECKING:
    from tasks.evaluation.diarization import DiarizationScore, SpeakerMatch
    from tasks.evaluation.reliability import Reliability
    from tasks.evaluation.score import Score
    from tasks.evaluation.worst import WorstStretch


def show(result: Score, screen: Terminal) -> None:
    """The figures of one recording, then its speakers."""
    screen.say(f"{plain(result.recording_id)} against {plain(result.reference)}", style="bold")
    if not result.regions_given:
        end = result.regions[-1].end_s if result.regions else 0.0
        screen.say(f"No UEM: scored from 0 to {end:.1f} s, the last end of either side.")
    table = columns(screen, "", "", "", texts=1)
    table.show_header = False
    table.columns[2].justify = "left"
    table.columns[2].no_wrap = False  # where the terminal is narrow, the remarks give way, not the figures
    for row in _figures(result):
        table.add_row(*row)
    screen.table(table)
    if result.words_missing:
        screen.note(result.words_missing)
    for what, sure in (("words", result.sure_words), ("speakers of words", result.sure_speakers)):
        if sure is not None and sure.wrong:
            screen.say(sureness(what, sure))
    if result.worst:
        screen.say(worst_of(result.worst))
    screen.say()
    if result.speakers:
        _speakers(result, screen)
        screen.say()


def _figures(result: Score) -> list[tuple[str, str, str]]:
    d, w = result.diarization, result.words
    rows = _diarization(d) if d else []
    if w:
        errors = f"{w.insertions} inserted, {w.deletions} deleted, {w.substitutions} substituted"
        if w.wer is not None:
            of = f", {w.num_words:,}: {errors}" if w.cpwer is None else ""
            rows.append(("WER", _percent(w.wer), f"all speakers' words as one stream{of}"))
        if w.cpwer is not None and w.tcpwer is not None:
            rows += [
                ("cpWER", _percent(w.cpwer), f"of {w.num_words:,} words: {errors}"),
                ("tcpWER", _percent(w.tcpwer), "words count within 5 s"),
            ]
    return rows


def _diarization(d: DiarizationScore) -> list[tuple[str, str, str]]:
    return [
        ("DER", _percent(d.der), f"collar 0, overlapping speech scored ({d.scorer})"),
        ("  missed", _percent(d.missed), ""),
        ("  false alarm", _percent(d.false_alarm), ""),
        ("  confusion", _percent(d.confusion), ""),
        ("DER", _percent(d.der_collar), "collar 0.25 s on each side"),
        ("DER", _percent(d.der_single), "collar 0, overlapping speech left out"),
        ("DER", _percent(d.der_collar_single), "collar 0.25 s on each side, overlapping speech left out"),
        ("JER", _percent(d.jer), ""),
        ("purity", _percent(d.purity), ""),
        ("coverage", _percent(d.coverage), ""),
        ("speakers", str(d.speakers_found), f"of {d.speakers_reference} in the reference"),
    ]


def _speakers(result: Score, screen: Terminal) -> None:
    table = columns(screen, "reference", "found as", "minutes", "in common", "share", texts=2)
    for match in result.speakers:
        minutes, common = f"{match.reference_s / 60:.1f}", f"{match.common_s / 60:.1f}"
        table.add_row(plain(match.reference), plain(match.found or "–"), minutes, common, _percent(match.share))
    screen.table(table)
    for match in result.speakers:
        if match.absence:
            screen.say(returned(match))


def sureness(what: str, sure: Reliability) -> str:
    """How much is found by checking where the transcript is least sure."""
    least, most = sure.bins[0], sure.bins[-1]
    found = ", ".join(f"{share} hold {100 * caught:.0f} %" for share, caught in sure.caught.items())
    return (
        f"Least sure {what}: {found} of the wrong ones; right are {_percent(least.right)} of the least sure tenth, "
        f"{_percent(most.right)} of the surest"
    )


def worst_of(worst: WorstStretch) -> str:
    """Where to listen first, and why."""
    parts = {"confusion": worst.confusion_s, "missed": worst.missed_s, "false alarm": worst.false_alarm_s}
    order = sorted(parts, key=lambda name: -parts[name])
    told = [f"{name} {parts[name] / 60:.1f}" for name in order if parts[name] >= 3]
    if worst.speaker is not None and worst.taken_for is not None and worst.taken_s >= 3:
        whose = f", {plain(worst.whose)}'s name," if worst.whose else ""
        told.append(f"{plain(worst.speaker)} under {plain(worst.taken_for)}{whose} for {worst.taken_s / 60:.1f}")
    return (
        f"Worst ten minutes: {format_clock(worst.start_s)} – {format_clock(worst.end_s)}, "
        f"{worst.wrong_s / 60:.1f} minutes wrong of {worst.reference_s / 60:.1f}: {'; '.join(told)}"
    )


def returned(match: SpeakerMatch) -> str:
    """What became of a speaker who was away for long."""
    away = match.absence
    if away is None:
        return ""
    minutes = (away.end_s - away.start_s) / 60
    return (
        f"{plain(match.reference)} is silent for {minutes:.0f} minutes: under {plain(match.found or 'no name')} "
        f"{_percent(away.share_before)} of the speech before, {_percent(away.share_after)} after"
    )


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"
