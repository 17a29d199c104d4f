-- Which speakers of different recordings sound like the same person?
-- Pairs whose voices are this alike (cosine, 1: the same) or more, measured by the same model. What counts as alike
-- depends on the model: look at pairs that you know. Where people are known, `voice_id` says it.
--   daylong query --file data/recipes/questions/speaker_across_recordings.sql --let alike=0.7
select a.recording_id, a.speaker, b.recording_id as other_recording, b.speaker as other_speaker,
       round(list_cosine_similarity(a.embedding, b.embedding), 3) as likeness
from speakers a
join speakers b on a.recording_id < b.recording_id and a.embedding_model = b.embedding_model
where list_cosine_similarity(a.embedding, b.embedding) >= coalesce(getvariable('alike')::double, 0.7)
order by likeness desc, a.recording_id, a.speaker, other_recording, other_speaker;
