"""What goes from the cache: the unused, the unnamed; never what somebody needs now."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.pruning.choose import MIN_ORPHAN_AGE_S, choose, choose_erased
from tasks.pruning.inventory import Inventory, Record, StoredArtifact
from tasks.pruning.usage import LiveRun

NOW = 1_000_000.0
DAY = 86_400.0


def record(key: str, days_ago: float, *artifacts: str) -> Record:
    return Record(key, 10, NOW - days_ago * DAY, artifacts)


def stored(name: str, size: int = 100, days_ago: float = 9.0) -> StoredArtifact:
    return StoredArtifact(name, size, NOW - days_ago * DAY)


HELD = Inventory(
    (record("a/v1/1", 8, "x"), record("a/v1/2", 3, "y"), record("b/v1/3", 1, "x", "z")),
    (stored("x"), stored("y"), stored("z")),
    {"monday": frozenset({"a/v1/1", "a/v1/2"}), "tuesday": frozenset({"a/v1/2", "b/v1/3"})},
)


def test_old_records_go_with_their_own_artifacts() -> None:
    gone = choose(HELD, NOW, older_than_s=2 * DAY)
    assert [r.key for r in gone.records] == ["a/v1/1", "a/v1/2"]
    assert [s.name for s in gone.stored] == ["y"]
    assert gone.size == 120


def test_records_of_other_recordings_are_kept() -> None:
    gone = choose(HELD, NOW, recordings=["monday"])
    assert [r.key for r in gone.records] == ["a/v1/1"]
    assert gone.stored == ()


def test_least_recently_used_go_first() -> None:
    assert HELD.size == 330
    assert choose(HELD, NOW, max_size=330).records == ()
    gone = choose(HELD, NOW, max_size=300)
    assert [r.key for r in gone.records] == ["a/v1/1", "a/v1/2"]  # the first frees its own ten bytes alone
    assert HELD.size - gone.size <= 300
    assert len(choose(HELD, NOW, max_size=0).records) == 3


def test_records_of_running_runs_are_kept() -> None:
    gone = choose(HELD, NOW, max_size=0, in_use_since=NOW - 2 * DAY)
    assert [r.key for r in gone.records] == ["a/v1/1", "a/v1/2"]
    assert [s.name for s in gone.stored] == ["y"]


def test_orphaned_artifacts_go_once_old() -> None:
    new, old = (
        stored("new", days_ago=0.5 * MIN_ORPHAN_AGE_S / DAY),
        stored("old", days_ago=2 * MIN_ORPHAN_AGE_S / DAY),
    )
    assert choose(Inventory((), (new, old)), NOW).stored == (old,)
    assert choose(Inventory((), (new, old)), NOW, in_use_since=NOW - 3 * DAY).stored == ()


names = st.sampled_from("pqrst")
records = st.lists(
    st.builds(
        lambda i, days, named: Record(f"s/v1/{i}", 10, NOW - days * DAY, tuple(named)),
        st.integers(0, 50),
        st.floats(0, 60),
        st.sets(names, max_size=3),
    ),
    max_size=12,
    unique_by=lambda r: r.key,
)


@given(records, st.sets(names), st.one_of(st.none(), st.floats(0, 60)), st.one_of(st.none(), st.integers(0, 900)))
def test_kept_records_keep_artifacts_and_size_limit_holds(
    found: list[Record], there: set[str], days: float | None, most: int | None
) -> None:
    held = Inventory(tuple(found), tuple(stored(name) for name in sorted(there)))
    gone = choose(held, NOW, older_than_s=None if days is None else days * DAY, max_size=most)
    left = set(held.records) - set(gone.records)
    assert not {s.name for s in gone.stored} & {a for r in left for a in r.artifacts}
    assert days is None or all(NOW - r.used_at <= days * DAY for r in left)
    assert most is None or held.size - gone.size <= most or not left


def test_erased_are_all_records_of_the_recording_and_those_of_nobody() -> None:
    held = Inventory((*HELD.records, record("c/v1/4", 5, "w")), (*HELD.stored, stored("w")), HELD.recordings)
    gone = choose_erased(held, ["monday"], [])
    assert [r.key for r in gone.records] == ["a/v1/1", "a/v1/2", "c/v1/4"]  # the second is Tuesday's too
    assert [s.name for s in gone.stored] == ["y", "w"]  # x is in Tuesday's


def test_erasing_spares_exactly_what_live_runs_have_asked_for() -> None:
    exact = LiveRun(NOW - 9 * DAY, "wednesday", frozenset({"a/v1/2"}))
    assert [r.key for r in choose_erased(HELD, ["monday"], [exact]).records] == ["a/v1/1"]
    unknown = LiveRun(NOW - 4 * DAY)
    assert [r.key for r in choose_erased(HELD, ["monday"], [unknown]).records] == ["a/v1/1"]
    assert choose_erased(HELD, ["monday"], [LiveRun(NOW - 9 * DAY)]).records == ()


def test_artifacts_without_record_are_erased_unless_a_live_run_may_have_made_them() -> None:
    held = Inventory((), (stored("old", days_ago=3), stored("new", days_ago=1)))
    assert [s.name for s in choose_erased(held, ["monday"], []).stored] == ["old", "new"]
    live = [LiveRun(NOW - 2 * DAY, "tuesday", frozenset())]
    assert [s.name for s in choose_erased(held, ["monday"], live).stored] == ["old"]
