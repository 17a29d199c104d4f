-- Who spoke how long?
--   daylong query --file data/recipes/questions/who_spoke_how_long.sql
select recording_id, speaker, round(turn_s / 60, 3) as minutes,
       round(turn_s / sum(turn_s) over (partition by recording_id), 3) as share, num_words
from speakers
order by recording_id, turn_s desc, speaker;
