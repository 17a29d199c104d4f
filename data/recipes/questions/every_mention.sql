-- Where is a word said, in what context, and where does one hear it?
-- The context is what was said from 10 s before to 10 s after. The link leads into the recording's file: put the file's
-- folder before it. `word_raw` is lower case, without punctuation.
--   daylong query --file data/recipes/questions/every_mention.sql --let word=budget
with mentions as (
    select recording_id, word_index, start_s, speaker from words
    where word_raw = coalesce(getvariable('word'), 'budget')
),
files as (
    select recording_id, part.name as file, part.start_s as file_start_s
    from (select recording_id, unnest(parts) as part from recordings)
)
select m.recording_id, m.start_s, m.speaker,
       ltrim(string_agg(if(coalesce(w.space_before, true), ' ', '') || w.word, '' order by w.word_index)) as context,
       url_encode(f.file) || '#t=' || floor(greatest(m.start_s - 10 - f.file_start_s, 0))::int
           || ',' || ceil(m.start_s + 10 - f.file_start_s)::int as link
from mentions m
asof join files f on m.recording_id = f.recording_id and m.start_s >= f.file_start_s
join words w on w.recording_id = m.recording_id and w.start_s between m.start_s - 10 and m.start_s + 10
group by m.recording_id, m.word_index, m.start_s, m.speaker, f.file, f.file_start_s
order by m.recording_id, m.word_index;
