-- Completed years of age on a day, by comparing calendar dates: who is born on 29 February completes a year on 1 March of other years
-- (date_sub('year', ...) would already count it on 28 February).
create or replace temp macro age_on(birth_date, on_day) as
    cast(
        date_part('year', on_day) - date_part('year', birth_date)
        - case
            when (date_part('month', on_day), date_part('day', on_day))
                < (date_part('month', birth_date), date_part('day', birth_date)) then 1
            else 0
        end as integer
    )
