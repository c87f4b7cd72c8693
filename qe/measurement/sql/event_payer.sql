-- Grain: one row per event of the population. Decides: whose payer an event counts for: the person's payer in the month of the
-- index date, else in the nearest earlier month, else in the nearest later one. NULL when the person has no month at all.
select
    population.event_id,
    arg_max(
        person_month.payer_type,
        (
            person_month.month <= month_of(population.index_date),
            -abs(months_between(month_of(population.index_date), person_month.month)),
            person_month.month
        )
    ) as payer_type
from (select distinct event_id, person_id, index_date from population) as population
left join person_month on person_month.person_id = population.person_id and person_month.payer_type is not null
group by population.event_id
