"""Looking at the inbox: what a scan finds, and what is remembered of it for the next one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasks.errors import TransientError
from tasks.intake import folders
from tasks.intake.ending import Carried
from tasks.intake.hold import worked_on_in_place
from tasks.intake.kept import fingerprint
from tasks.intake.ledger import Ledger
from tasks.intake.scan import Candidate, Refused, is_stopped, scan
from tasks.intake.settle import Scanned, Sighting, Verdict, judge, open_for_writing
from tasks.settings.schema import InboxSettings


class Lookout:
    """Looks at one inbox, again and again."""

    def __init__(
        self, inbox: Path, settings: InboxSettings, ledger: Ledger, carried: Carried, clock: Callable[[], float]
    ) -> None:
        self.inbox, self.settings, self.ledger, self.carried, self._clock = inbox, settings, ledger, carried, clock
        self.unmovable: dict[Path, str] = {}
        """What could not be taken, and why; not tried again."""

    def scan(self) -> Scanned:
        """Look at the inbox, and remember what was seen. Raises TransientError where it can't be read."""
        try:
            found, refused = scan(self.inbox, self.settings.group)
        except OSError as error:
            raise TransientError(f"{self.inbox}: can't be read ({error.strerror}). Is its disk there?") from error
        if self.settings.after == "keep":
            found = self._not_kept(found)
        known = {path: (seen, waits) for path, seen, waits in self.ledger.waiting()}
        now = self._clock()
        verdicts = [self._judged(c, known, now) for c in found]
        self.carried.rest()
        seen = {v.candidate.path: (v.sighting, v.waits_for) for v in verdicts}
        self.ledger.keep_sightings({p: s for p, s in seen.items() if known.get(p) != s}, set(known) - set(seen))
        refused += [Refused(path, why) for path, why in self.unmovable.items()]
        return Scanned(
            ready=tuple(v.candidate for v in verdicts if not v.waits_for and v.candidate.path not in self.unmovable),
            waiting=tuple(v for v in verdicts if v.waits_for),
            refused=tuple(refused),
            stopped=is_stopped(self.inbox),
        )

    def _not_kept(self, found: list[Candidate]) -> list[Candidate]:
        """Without those that are done, or are being worked on, and have stayed where and what they were."""
        kept = self.ledger.kept(self.carried.settings_digest)
        self.ledger.forget(set(kept) - {c.path for c in found})
        under_way = worked_on_in_place(self.inbox)

        def is_new(candidate: Candidate) -> bool:
            known = {kept.get(candidate.path), under_way.get(candidate.path)} - {None}
            return not known or fingerprint(self.inbox, candidate.path, candidate.signature) not in known

        return list(filter(is_new, found))

    def _judged(self, candidate: Candidate, known: dict[Path, tuple[Sighting, str | None]], now: float) -> Verdict:
        before, _ = known.get(candidate.path, (None, None))
        return judge(
            candidate,
            before,
            now,
            settle_s=self.settings.settle_seconds,
            patience_s=self.settings.patience_minutes * 60,
            attempts=self.settings.attempts,
            whole=self._lacking,
            is_open=self._is_open,
        )

    def _is_open(self, candidate: Candidate) -> bool | None:
        try:
            return open_for_writing(self.inbox, candidate)
        except OSError:  # it has gone
            return None

    def _lacking(self, candidate: Candidate) -> str | None:
        whole = self.inbox / candidate.path
        try:
            paths = folders.parts_of(whole) if candidate.is_folder else [whole]
        except OSError:  # it has gone
            return None
        for path in paths:
            lacking = self.carried.lacking(path)
            if lacking:
                return f"{path.name}: {lacking}" if candidate.is_folder else lacking
        return None
