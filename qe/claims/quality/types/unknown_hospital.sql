-- Grain: one row. Decides: how many counts are of a CCN that is nobody's.
select
    '' as source_id,
    count(*) as denominator,
    count(*) filter (
        where {column} not in (select identifier from provider_identifier where id_type = 'CCN' and identifier is not null)
    ) as failing
from {table}
where {column} is not null
