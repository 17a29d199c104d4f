-- How fast does each speaker talk?
-- Words for each minute of the speaker's own turns.
--   daylong query --file data/recipes/questions/words_per_minute.sql
select recording_id, speaker, num_words, round(num_words / (turn_s / 60), 1) as words_per_minute
from speakers
where turn_s > 0
order by recording_id, words_per_minute desc, speaker;
