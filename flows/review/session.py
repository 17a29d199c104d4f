"""One recording under review: its page, what is entered, and what listening is expected to buy."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from flows.corrections.enter import EntryResult, enter_rows, find_user, read_rows, rewrite_stale
from flows.locations import resolve_corrections, resolve_voices
from flows.report_audio import restore_part_paths, set_audio_paths
from flows.review.evidence import add, find_disputed, judge_others, judge_recording
from flows.speakers.corrections import enter_corrections
from flows.speakers.corrections_file import parse_changes
from tasks.canonical import canonical
from tasks.corrections.judged import list_judged_spans
from tasks.corrections.store import read_log, read_machine
from tasks.dataset.publish import EXPORTS_FOLDER
from tasks.dataset.read import find, read_transcript
from tasks.errors import DaylongError
from tasks.exports import report
from tasks.exports.report.data import build_rows
from tasks.exports.report.links import EMBEDDED_PREFIX
from tasks.exports.report.review import Served
from tasks.intervals import Span
from tasks.review.calibrate import calibrate
from tasks.review.spans import Prospect, Survey, choose_lines, survey
from tasks.settings.load import load
from tasks.sharing.copies import name_place

log = logging.getLogger("daylong.review")


class Entered(NamedTuple):
    """`result`: with the facts' numbers; `prospect`: what is to be bought now; `errors`: expected, of each row of the
    page, in hundredths."""

    result: EntryResult
    prospect: Prospect
    errors: list[int]
    found: Survey


class Review:
    """A review of one recording by one or several people at once. Its methods may be called from any thread.

    `audio`: the recording, where it is not where its report looks for it. `say` is called with what the person at the
    terminal is to know. Raises UsageError where there is no such recording.
    """

    def __init__(
        self, out: Path, recording: str, budget_s: float, *, audio: Path | None = None, say: Callable[[str], None]
    ) -> None:
        self.out, self.budget_s, self.audio, self.say = out, budget_s, audio, say
        self.recording_id = str(find(out, recording)["recording_id"])
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._due = threading.Event()
        self._read()
        self._others = judge_others(
            read_log(resolve_corrections(self.out)), resolve_corrections(self.out), self.transcript
        )
        self._disputed = find_disputed(out, self._machine)

    def _read(self) -> None:
        published = canonical(read_transcript(self.out, self.recording_id))
        if self.audio is not None:
            self.transcript = set_audio_paths(published, self.audio)
        else:
            self.transcript = restore_part_paths(published, self.out / EXPORTS_FOLDER / self.recording_id)
        machine = read_machine(resolve_corrections(self.out), name_place(self.out), published)
        self._machine = published if machine is None else canonical(machine)
        self._segments = [segment.index for segment, _ in build_rows(self.transcript)]

    @property
    def paths(self) -> list[str]:
        """The files of the recording's sound; "" for one that is not known."""
        return [part.path for part in self.transcript.recording.parts]

    def find_survey(self) -> tuple[Survey, frozenset[int]]:
        """The errors to expect by all corrections so far, and the segments that people have judged."""
        facts = read_log(resolve_corrections(self.out)).of(self.transcript.recording.sha256)
        judged = list_judged_spans(facts)
        own = judge_recording(self._machine, facts, self._disputed)
        found = survey(self.transcript, calibrate(add(self._others, own)), judged, self._disputed)
        done = {s.index for s in self.transcript.segments if _is_judged(Span(s.start_s, s.end_s), judged)}
        return found, frozenset(done)

    def find_prospect(self) -> Prospect:
        return choose_lines(self.find_survey()[0], self.budget_s)

    def render_page(self) -> str:
        """The report, with all corrections, whose sound is at `sound/` and that saves what is corrected."""
        self.write()
        with self._lock:
            self._read()
            found, done = self.find_survey()
            recording = self.transcript.recording
            parts = tuple(
                replace(p, path=p.path if p.path.startswith(EMBEDDED_PREFIX) or not p.path else f"sound/{k}")
                for k, p in enumerate(recording.parts)
            )
            shown = replace(self.transcript, recording=replace(recording, parts=parts))
        return report.write(shown, Served(found, done, self.budget_s / 60))

    def enter(self, edits: Sequence[Any], instead_of: Sequence[int]) -> Entered:
        """Enter rows of the page, in place of those with these numbers; `write` brings the tables up to date.

        Raises ValueError, KeyError or TypeError for what are no rows, and as `enter_rows`.
        """
        rows = read_rows(edits, self.transcript.recording.sha256, find_user())
        with self._lock:
            result = enter_rows(rows, self.out, instead_of)
            found, done = self.find_survey()
        self._due.set()
        prospect = choose_lines(found, self.budget_s)
        self.say(f"{'; '.join(_name(result)) or 'That was so already'}. Now {prospect}")
        by_segment = {line.segment: 0 if line.segment in done else round(100 * line.errors) for line in found.lines}
        return Entered(result, prospect, [by_segment.get(k, 0) for k in self._segments], found)

    def enter_names(self, held: Any) -> int:
        """Enter the names of a corrections file of the page; returns how many were new. Raises as `parse_changes`."""
        with self._writing:
            result = enter_corrections(resolve_voices(load()), "review", *parse_changes(held), say=log.info)
        for entry in result.entries:
            self.say(f"{entry.what} (correction {entry.number} of names)")
        for line in result.faults:
            self.say(f"{line}. It is tried again with the next correction.")
        return len(result.entries)

    def write(self) -> None:
        """Bring the tables and exports up to date, if something was entered since; faults are said."""
        with self._writing:
            if not self._due.is_set():
                return
            self._due.clear()
            try:
                faults = rewrite_stale()[1]
            except (DaylongError, OSError) as error:
                faults = [str(error)]
            for line in faults:
                self.say(f"{line}. It is tried again with the next correction.")

    def keep_writing(self, is_over: threading.Event) -> None:
        """Write whenever something was entered, until it is over; for a thread of its own."""
        while not is_over.is_set():
            if self._due.wait(0.2):
                self.write()
        self.write()


def _is_judged(span: Span, judged: Sequence[Span]) -> bool:
    return any(span.middle_s in one for one in judged)


def _name(result: EntryResult) -> list[str]:
    from flows.corrections.listing import describe

    entered = [f"{describe(fact)} (correction {fact.number})" for fact in result.entered]
    return entered or [f"undone: {describe(fact)}" for fact in result.undone]
