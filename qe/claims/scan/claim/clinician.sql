-- Grain: one row per attending or operating clinician, and per billing TIN of professional claims, of the file.
insert into clinician_seen
select unnested.npi, null, null, count(*), min(unnested.from_date), max(unnested.from_date)
from (select claim_id, from_date, unnest([attending_npi, operating_npi]) as npi from incoming) as unnested
where unnested.npi is not null
group by unnested.npi
union all
select null, null, billing_tin, count(*), min(from_date), max(from_date)
from incoming
where billing_tin is not null and claim_type in ('professional', 'dme')
group by billing_tin
