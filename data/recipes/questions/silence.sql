-- When does nobody say a word?
-- Stretches without a word of at least so many seconds, also before the first and after the last.
--   daylong query --file data/recipes/questions/silence.sql --let seconds=30
with gaps as (
    select recording_id, start_s as until_s,
           coalesce(max(end_s) over (
               partition by recording_id order by word_index rows between unbounded preceding and 1 preceding
           ), 0) as from_s
    from words
    union all
    select r.recording_id, r.duration_s, coalesce(max(w.end_s), 0)
    from recordings r left join words w using (recording_id, run_id)
    group by r.recording_id, r.duration_s
)
select recording_id, from_s, until_s, until_s - from_s as seconds
from gaps
where until_s - from_s >= coalesce(getvariable('seconds')::double, 30)
order by recording_id, from_s;
