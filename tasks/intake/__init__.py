"""The folder-watch: is a file complete (completeness), claim it, record its state (ledger), move it (destinations).

    <inbox>/.ledger.sqlite3                      every file that was ever seen, and what became of it
    <inbox>/.claimed/<sha12>/                    a recording that is being processed, under its own name
    data/done/YYYY/MM/DD/                        processed (with `inbox.after = keep` it never leaves its place)
    data/quarantine/<sha12>/                     not to be processed, and error.json, which says why

`intake.py` puts them together; whatever moment a process dies at, the next scan finishes what it began.
"""
