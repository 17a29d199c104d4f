"""Scan the inbox: find candidates, judge whether each is complete, record sightings for the next scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasks.errors import TransientError
from tasks.intake import folders
from tasks.intake.claim_lock import find_in_place_claims, read_notes
from tasks.intake.close_claim import InboxPorts
from tasks.intake.completeness import ScanResult, Sighting, Verdict, is_open_for_writing, judge
from tasks.intake.fingerprint import fingerprint
from tasks.intake.ledger import Ledger, describe_displaced
from tasks.intake.leftovers import is_of_claimed
from tasks.intake.scan import Candidate, Refused, find_stop, scan
from tasks.settings.schema import InboxSettings
from tasks.sidecars import SidecarIndex, list_names


class Scanner:
    """Scans one inbox repeatedly."""

    def __init__(
        self, inbox: Path, settings: InboxSettings, ledger: Ledger, ports: InboxPorts, clock: Callable[[], float]
    ) -> None:
        self.inbox, self.settings, self.ledger, self.ports, self._clock = inbox, settings, ledger, ports, clock
        self.unmovable: dict[Path, str] = {}
        """Paths that could not be claimed, with the reason; not tried again."""

    def scan(self) -> ScanResult:
        """Scan the inbox, and record what was seen. Raises TransientError where it can't be read."""
        try:
            found, refused, leftovers = scan(self.inbox, self.settings.group)
        except OSError as error:
            raise TransientError(f"{self.inbox}: can't be read ({error.strerror}). Is its disk there?") from error
        if not self.ledger.is_in_place():
            raise TransientError(describe_displaced(self.inbox))
        if self.settings.after == "keep":
            found = self._drop_kept(found)
        known = {path: (seen, waits) for path, seen, waits in self.ledger.waiting()}
        now = self._clock()
        verdicts = [self._judge(c, known, now) for c in found]
        self.ports.rest()
        seen = {v.candidate.path: (v.sighting, v.waits_for) for v in verdicts}
        self.ledger.keep_sightings({p: s for p, s in seen.items() if known.get(p) != s}, set(known) - set(seen))
        refused += [Refused(path, why) for path, why in self.unmovable.items()]
        if leftovers:
            claimed = [note.original for note in read_notes(self.inbox)]
            leftovers = [left for left in leftovers if not is_of_claimed(left.path, claimed)]
        not_taken = [(each.path, each.reason) for each in refused] + [(each.path, each.reason) for each in leftovers]
        self.ledger.keep_leftovers(dict(not_taken))
        return ScanResult(
            ready=tuple(v.candidate for v in verdicts if not v.waits_for and v.candidate.path not in self.unmovable),
            waiting=tuple(v for v in verdicts if v.waits_for),
            refused=tuple(refused),
            leftovers=tuple(leftovers),
            stop_file=find_stop(self.inbox),
        )

    def _drop_kept(self, found: list[Candidate]) -> list[Candidate]:
        """The candidates less those that are done, or claimed in place, and unchanged."""
        kept = self.ledger.read_kept(self.ports.settings_digest)
        self.ledger.forget(set(kept) - {c.path for c in found})
        under_way = find_in_place_claims(self.inbox)
        beside: dict[Path, SidecarIndex] = {}

        def is_new(candidate: Candidate) -> bool:
            known = {kept.get(candidate.path), under_way.get(candidate.path)} - {None}
            if not known:
                return True
            folder = self.inbox / candidate.path.parent
            if folder not in beside:
                beside[folder] = SidecarIndex(list_names(folder))
            there = beside[folder]
            return fingerprint(self.inbox, candidate.path, candidate.signature, there) not in known

        return list(filter(is_new, found))

    def _judge(self, candidate: Candidate, known: dict[Path, tuple[Sighting, str | None]], now: float) -> Verdict:
        before, _ = known.get(candidate.path, (None, None))
        return judge(
            candidate,
            before,
            now,
            settle_s=self.settings.settle_seconds,
            patience_s=self.settings.patience_minutes * 60,
            attempts=self.settings.attempts,
            find_missing=self._find_missing,
            is_open=self._is_open,
        )

    def _is_open(self, candidate: Candidate) -> bool | None:
        try:
            return is_open_for_writing(self.inbox, candidate)
        except OSError:  # it has gone
            return None

    def _find_missing(self, candidate: Candidate) -> str | None:
        whole = self.inbox / candidate.path
        try:
            paths = folders.list_parts(whole) if candidate.is_folder else [whole]
        except OSError:  # it has gone
            return None
        for path in paths:
            missing = self.ports.find_missing(path)
            if missing:
                return f"{path.name}: {missing}" if candidate.is_folder else missing
        return None
