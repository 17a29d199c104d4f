"""Identify people across recordings: which of today's speakers are already known.

    records.py     voices, hearings, corrections, and the immutable registry of them
    invariants.py  what holds of every registry; which published tables are stale
    match.py       scores of speakers against voices; a threshold and a margin
    carry.py       match the speakers of a recording processed again with its earlier ones
    identify.py    identify a recording's speakers and enter them into the registry
    correct.py     corrections by people: rename, merge, split, accept, deny, separate, forget
    changes.py     record corrections and undo them
    lookup.py      find voices by what people type; summaries
    tables.py      the registry as Parquet files
    store.py       the registry on disk: one writer at a time, replaced as a whole

A voice is a set of hearings, each with its own embedding; it has no running mean. Corrections by people survive
reprocessing, and matching respects them.
"""
