-- Who interrupts whom?
-- Who begins while somebody else has the floor, and is still speaking when that one has stopped. The floor is whose turn
-- ends last of all that have begun.
--   daylong query --file data/recipes/questions/who_interrupts_whom.sql
with floors as (
    select recording_id, speaker, start_s, end_s, max(end_s) over before as floor_until,
           arg_max(speaker, end_s) over before as floor_of
    from turns
    window before as (
        partition by recording_id order by turn_index rows between unbounded preceding and 1 preceding
    )
)
select recording_id, speaker as who, floor_of as whom, count(*) as times
from floors
where start_s < floor_until and end_s > floor_until and speaker <> floor_of
group by all
order by recording_id, times desc, who, whom;
