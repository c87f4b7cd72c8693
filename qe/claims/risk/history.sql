-- Grain: one row per event of a person of whom fewer than 9 of the 12 months before the period are in view (population.prior_months):
-- the illnesses of the year before are not known well enough.
select distinct event_id, 'history:short' as factor, 1 as value
from population
where prior_months < 9
