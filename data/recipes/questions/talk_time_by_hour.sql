-- How much does each speaker talk in each hour?
-- Hours are counted from the recording's start; `begins_at` says when each began, where that is known. A turn counts for
-- the hour in which it begins.
--   daylong query --file data/recipes/questions/talk_time_by_hour.sql
select t.recording_id, floor(t.start_s / 3600)::int as hour,
       r.recorded_at + to_hours(floor(t.start_s / 3600)::int) as begins_at,
       t.speaker, round(sum(t.end_s - t.start_s) / 60, 3) as minutes
from turns t join recordings r using (recording_id, run_id)
group by all
order by t.recording_id, hour, t.speaker;
