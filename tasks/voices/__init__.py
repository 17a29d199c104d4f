"""People across recordings: who of those heard today was known before.

    records.py   voices, hearings and corrections: the book, a value
    match.py     whose voices are these: a threshold and a margin
    carry.py     a recording processed again: which of its speakers is which of before
    hear.py      a recording's speakers entered into the book
    correct.py   what people said: rename, merge, split, accept, deny, forget
    changes.py   what a correction changed, and undoing it
    lookup.py    a voice by what people call it; what is known of each
    tables.py    the book as Parquet
    store.py     the book on the disk: one writer at a time, nothing half-written
    clips.py     a few seconds of each voice to listen to

A voice is a set of hearings, each with an embedding of its own; never a mean that moves. What people said is a fact:
it outlives reprocessing, and the matching obeys it.
"""
