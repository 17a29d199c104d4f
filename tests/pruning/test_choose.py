"""What goes from the cache: the unused, the unnamed; never what somebody needs now."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.pruning.choose import MIN_ORPHAN_AGE_S, choose
from tasks.pruning.inventory import Inventory, Record, StoredArtifact

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
