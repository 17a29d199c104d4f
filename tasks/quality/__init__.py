"""How good each hour of a recording is, and each speaker in it, without a reference: the table `quality`.

clipping.py   samples that are cut off at full scale; task.py: that as a step of each chunk
sound.py      levels, noise and clipping of spans, from what the speech map and that step measured
dead.py       stretches in which the microphone seems dead
ghosts.py     speakers of few seconds whose voice is another's
hour_spans.py spans by hour, and who speaks in which
hour_sound.py sound.py's and dead.py's figures of each hour and each speaker in it
hours.py      the rows of the table, from a transcript and its sound, or from a corrected transcript and its rows
alarms.py     a line where the quality is too low
"""
