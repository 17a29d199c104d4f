"""Any order of copying, growing, renaming, killing and scanning, with two watchers: in the end every file that was
put there lies in done or in quarantine, once, and none was ever taken half-copied or published twice."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tasks.intake.claim import Claim
from tasks.intake.close_claim import ClosedClaim
from tasks.intake.intake import Intake
from tests.helpers.crashing_disk import SimulatedKill
from tests.helpers.simulated_inbox import END, CrashingInboxDisk, SimulatedInbox

NAMES = st.sampled_from(("a.wav", "b.wav", "urgent/a.wav", "monday/c.wav", "c.wav"))
SOUNDS = st.sampled_from((b"good one ", b"good two ", b"broken one ", b"flaky one "))
WHO = st.sampled_from((0, 1))
KILLS = st.one_of(st.none(), st.integers(0, 6), st.integers(0, 40))


class Inbox(RuleBasedStateMachine):
    """Contents that begin with "broken" can't be processed; "flaky" ones not at first."""

    def __init__(self) -> None:
        super().__init__()
        # In memory where that can be: what is flushed to a disk, a hundred times an example, costs minutes.
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="daylong-inbox-", dir=memory if memory.is_dir() else None))
        self.world = SimulatedInbox(self.folder)
        self.mortal = CrashingInboxDisk(self.world)
        self._patch = self.mortal.patched()
        self._patch.__enter__()
        self.watchers: list[Intake | None] = [None, None]
        self.claims: list[Claim | None] = [None, None]
        self.put: Counter[bytes] = Counter()
        self.sidecars: set[bytes] = set()
        self.lying_by: set[bytes] = set()
        """What lies in folders that are one recording: its parts, and what isn't of it."""
        self.growing: dict[str, bytes] = {}
        self.published: dict[bytes, bytes] = {}
        """The sidecars' contents when a content was published: another one is reason to do it again."""
        self.flaky_failures = 0

    @initialize(across=st.booleans(), keep=st.booleans())
    def disks(self, across: bool, keep: bool) -> None:
        self.mortal.on_another_disk = across
        self.world.given["after"] = "keep" if keep else "done"
        self.world.settings = self.world.make_settings()

    @rule(name=NAMES, sound=SOUNDS)
    def copy_begins(self, name: str, sound: bytes) -> None:
        if not (self.world.inbox / name).exists():
            self.world.put(name, sound, whole=False)
            self.growing[name] = sound

    @precondition(lambda self: self.growing)
    @rule(data=st.data())
    def copy_ends(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.growing)))
        self._end(name)

    def _end(self, name: str) -> None:
        sound = self.growing.pop(name)
        with (self.world.inbox / name).open("ab") as file:
            file.write(END)
        self.world.stamp(self.world.inbox / name)
        self.put[sound + END] += 1

    @rule(name=NAMES, sound=SOUNDS, sidecar=st.booleans())
    def moved_in_whole(self, name: str, sound: bytes, sidecar: bool) -> None:
        if (self.world.inbox / name).exists():
            return
        path = self.world.put(name, sound)
        self.put[sound + END] += 1
        if sidecar and not path.with_suffix(".json").exists():
            path.with_suffix(".json").write_bytes(b'{"of": "' + sound + b'"}')
            self.sidecars.add(path.with_suffix(".json").read_bytes())

    @rule(late=st.booleans())
    def folder_moved_in(self, late: bool) -> None:
        """A folder that is one recording, with a note; `late`: and with a folder in it that belongs beside it."""
        name = f"day {len(self.lying_by)}"
        for file in ("1.wav", "2.wav", "notes.txt", *(["late/3.wav"] if late else [])):
            content = f"of {name}, {file} ".encode()
            self.world.put(f"{name}/{file}", content)
            self.lying_by.add(content + END)
        (self.world.inbox / name / "_together").touch()

    @precondition(lambda self: any(claim and claim.path.is_dir() for claim in self.claims))
    @rule()
    def comes_into_a_folder_that_is_taken(self) -> None:
        claim = next(claim for claim in self.claims if claim and claim.path.is_dir())
        content = f"late {len(self.lying_by)}".encode() + END
        (claim.path / "late").mkdir(exist_ok=True)
        (claim.path / "late" / f"{len(self.lying_by)}.wav").write_bytes(content)
        self.lying_by.add(content)

    @rule(old=NAMES, new=NAMES)
    def renamed(self, old: str, new: str) -> None:
        source, target = self.world.inbox / old, self.world.inbox / new
        if source.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
            if old in self.growing:
                self.growing[new] = self.growing.pop(old)

    @rule(name=NAMES)
    def marked(self, name: str) -> None:
        if (self.world.inbox / name).exists() and name not in self.growing:
            (self.world.inbox / f"{name}.done").touch()
            self.world.stamp(self.world.inbox / f"{name}.done")

    @rule(seconds=st.sampled_from((1, 9, 10, 25)))
    def time_passes(self, seconds: int) -> None:
        self.world.now += seconds

    @rule(who=WHO, kill=KILLS, wait=st.sampled_from((0, 10, 10)))
    def scan_and_take(self, who: int, kill: int | None, wait: int) -> None:
        if self.claims[who] is None:
            self._living(who, kill, lambda who: self._take(who, wait))

    def _take(self, who: int, wait: int = 0) -> None:
        watcher = self.watchers[who] or self.world.watcher()
        self.watchers[who] = watcher
        watcher.recover()
        watcher.scan()
        self.world.now += wait
        for candidate in watcher.scan().ready:
            taken = watcher.take(candidate)
            if isinstance(taken, Claim):
                self.claims[who] = taken
                content = content_of(taken)
                assert content.endswith(END), f"{taken.note.original} was taken half-copied"
            if taken is not None:
                return

    @rule(who=WHO, kill=KILLS)
    def ends_well_or_not(self, who: int, kill: int | None) -> None:
        if self.claims[who] is not None:
            self._living(who, kill, self._finish)

    def _finish(self, who: int) -> None:
        watcher, claim = self.watchers[who], self.claims[who]
        assert watcher is not None
        assert claim is not None
        content = content_of(claim) if claim.is_unchanged() else b"flaky: renamed meanwhile"
        if content.startswith(b"broken"):
            ended = watcher.close_failed(claim, f"{claim.path}: no sound.", lasting=True)
        elif content.startswith(b"flaky:") or (content.startswith(b"flaky") and self.flaky_failures < 3):
            self.flaky_failures += 1
            ended = watcher.close_failed(claim, "the network is away.", lasting=False)
        else:
            self.mortal.step()
            sidecars = b"".join(item.read_bytes() for item in claim.sidecars)
            assert not (content in self.published and sidecars in (b"", self.published[content])), "published twice"
            self.published[content] = sidecars
            row = self.world.publish(claim)
            self.mortal.step()
            ended = watcher.close_processed(
                claim, status=row["status"], recording_id=row["recording_id"], run_id=row["run_id"]
            )
        assert isinstance(ended, ClosedClaim)
        self.claims[who] = None

    @rule(who=WHO)
    def stop_requested(self, who: int) -> None:
        watcher, claim = self.watchers[who], self.claims[who]
        if watcher is not None and claim is not None:
            watcher.release(claim)
            self.claims[who] = None

    @rule(who=WHO)
    def killed_at_work(self, who: int) -> None:
        self._dies(who)

    def _living(self, who: int, kill: int | None, act: object) -> None:
        self.mortal.steps_left = kill
        try:
            act(who)  # type: ignore[operator]
        except SimulatedKill:
            self._dies(who)
        finally:
            self.mortal.restart()

    def _dies(self, who: int) -> None:
        """As the kernel does it: its files are closed, and so its locks and transactions are gone."""
        claim, watcher = self.claims[who], self.watchers[who]
        if claim is not None:
            claim.lock.abandon()
        if watcher is not None:
            watcher.close()
        self.claims[who] = self.watchers[who] = None

    @invariant()
    def nothing_is_lost(self) -> None:
        there = Counter(self.world.read_contents())
        for content, count in self.put.items():
            assert there[content] >= count, content
        assert all(there[content] for content in self.sidecars | self.lying_by)

    def teardown(self) -> None:
        try:
            self._settle_all()
        finally:
            for who in (0, 1):
                self._dies(who)
            self._patch.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    def _settle_all(self) -> None:
        for name in sorted(self.growing):
            self._end(name)
        for who in (0, 1):
            self._dies(who)
        for _ in range(400):
            self._take(0)
            for late in self.world.inbox.glob("day */late"):
                late.rename(late.parent.with_name(f"late of {late.parent.name}"))
            if self.claims[0] is not None:
                self._finish(0)
            elif not self._left():
                break
            else:
                self.world.now += 1_000
        there = Counter(self.world.read_contents())
        assert {c: there[c] for c in self.put} == dict(self.put)
        for path in self.world.list_files():
            if path.endswith((".done", ".json")):
                continue  # what its recording was renamed away from stays
            place, content = path.split("/")[0], (self.folder / path).read_bytes()
            well = "inbox" if self.world.settings.after == "keep" else "done"
            assert place in (well, "quarantine"), f"{path} is left there"
            assert (place == "quarantine") == content.startswith(b"broken"), path
            if place == "quarantine":
                error = json.loads((self.folder / path).with_name("error.json").read_text())
                assert error["what"].endswith("no sound.")
        assert list((self.world.inbox / ".claimed").iterdir()) == []
        assert self.watchers[0] is not None
        assert sum(self.watchers[0].ledger.counts().values()) >= sum(self.put.values())

    def _left(self) -> bool:
        watcher = self.watchers[0]
        assert watcher is not None
        scanned = watcher.scan()
        return bool(scanned.ready or scanned.waiting or watcher.claims())


def content_of(claim: Claim) -> bytes:
    """The sound of what was taken."""
    return b"".join(path.read_bytes() for path in claim.recordings)


class TestInbox(Inbox.TestCase):
    settings = settings(max_examples=40, stateful_step_count=30)


@pytest.mark.sweep
class TestInboxLonger(Inbox.TestCase):
    settings = settings(TestInbox.settings, max_examples=150)
