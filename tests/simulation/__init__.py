"""A simulated day: who speaks when is known exactly, so that what linking and seams cost can't hide behind engines.

`day.simulate` makes one (schedule, turns, words, chunks), `voices` draws what a speaker model would say of its
windows, `diarizer` makes the mistakes of a chunk's diarization, `recogniser` those of a recogniser at the chunks'
edges; `score` counts confused seconds. Everything is seeded.
"""
