-- First day of the calendar month of a day.
create or replace temp macro month_of(day) as cast(date_trunc('month', day) as date)
