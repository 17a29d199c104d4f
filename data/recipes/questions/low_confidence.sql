-- What should somebody listen to again?
-- Words that the recogniser was less sure of than this, those within 5 s of each other as one stretch.
--   daylong query --file data/recipes/questions/low_confidence.sql --let below=0.5
with unsure as (
    select recording_id, word_index, start_s, end_s, word, confidence,
           coalesce(space_before, true)
               or coalesce(word_index - lag(word_index) over (partition by recording_id order by word_index) > 1, true)
               as apart,
           coalesce(start_s - lag(start_s) over (partition by recording_id order by word_index) > 5, true) as begins
    from words
    where confidence < coalesce(getvariable('below')::double, 0.5)
),
stretches as (
    select *, sum(begins::int) over (partition by recording_id order by word_index) as stretch from unsure
)
select recording_id, min(start_s) as start_s, max(end_s) as end_s,
       ltrim(string_agg(if(apart, ' ', '') || word, '' order by word_index)) as words, round(min(confidence), 3) as lowest
from stretches
group by recording_id, stretch
order by recording_id, start_s;
