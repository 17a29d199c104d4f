-- How much was recorded and said each day, and how does it differ from the day before?
-- The day before is the last one on which something was recorded.
--   daylong query --file data/recipes/questions/day_over_day.sql
select recorded_date as day, count(*) as recordings, round(sum(duration_s) / 3600, 3) as hours,
       round(sum(speech_s) / 3600, 3) as speech_hours, sum(num_words)::bigint as words,
       (sum(num_words) - lag(sum(num_words)) over (order by recorded_date))::bigint as change
from recordings
group by recorded_date
order by day;
