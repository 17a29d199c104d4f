-- When do several speak at once?
-- Each turn that begins while somebody else has the floor, and for how long it lies over theirs. The floor is whose turn
-- ends last of all that have begun.
--   daylong query --file data/recipes/questions/overlaps.sql
with floors as (
    select recording_id, speaker, start_s, end_s, max(end_s) over before as floor_until,
           arg_max(speaker, end_s) over before as floor_of
    from turns
    window before as (
        partition by recording_id order by turn_index rows between unbounded preceding and 1 preceding
    )
)
select recording_id, start_s, least(end_s, floor_until) as end_s, floor_of as over_whom, speaker as who
from floors
where start_s < floor_until and speaker <> floor_of
order by recording_id, start_s, end_s, who;
