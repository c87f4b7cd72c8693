-- Grain: one row per clinician of the file (attending, operating, rendering).
insert into clinician_seen
select unnested.npi, null, null, count(*), min(unnested.thru_date), max(unnested.thru_date)
from (
    select distinct native_claim_id, thru_date, unnest([attending_npi, operating_npi, rendering_npi]) as npi
    from incoming
) as unnested
where unnested.npi is not null
group by unnested.npi
