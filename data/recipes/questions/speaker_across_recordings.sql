-- Who was heard in more than one recording, where, and how long?
-- A voice has the same `voice_id` in all recordings, and a name once somebody gave it one: daylong speakers list.
--   daylong query --file data/recipes/questions/speaker_across_recordings.sql
select voice_id, speaker_name, recording_id, speaker, round(turn_s / 60, 3) as minutes, num_words
from speakers
where voice_id in (select voice_id from speakers group by voice_id having count(distinct recording_id) > 1)
order by voice_id, recording_id, speaker;
