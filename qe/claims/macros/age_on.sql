-- Completed years of age on a day, by the calendar: a person born on 29 February completes a year on 1 March of other years.
create or replace temp macro age_on(birth_date, day) as date_sub('year', birth_date, day)
