"""Corrections of words and turns by people, as facts on the sound: entered once, kept over every later run.

    facts.py       a fact: a span of the sound, what was there, what is there, who says so; rows of files
    tokens.py      a corrected text as words; forms by which texts are compared
    locate.py      find the words and the speaker that a fact is about, in whatever a run gave
    new_words.py   the words of a corrected text, with times
    turns.py       cut turns, and give a span of them to another speaker
    segments.py    build segments anew where words have changed
    edit.py        change the machine's words, speakers and borders as a fact says
    recount.py     count each speaker's words, segments and seconds anew
    apply.py       apply all facts to a transcript, in order; conflicts
    log.py         all facts, and which published tables show them; enter, undo, restore, forget
    store.py       the log on disk: one writer at a time, replaced as a whole; the machine's words beside it
    counts.py      how often which words were mended

A fact holds where the machine still says what it said when the fact was entered, or agrees with it. Where it says a
third thing the fact wins, and is listed as a conflict.
"""
