-- Completed years of age on a day, by the calendar: who is born on 29 February completes a year on 28 February of other years.
create or replace temp macro age_on(birth_date, day) as date_sub('year', birth_date, day)
