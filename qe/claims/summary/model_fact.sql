-- Grain: one row per fact of the model: rows of its tables, units, and the last day that every source with claims reaches,
-- never past the end of its period: a date in the future is no claim of that day.
create table model_fact as
select 'persons' as name, cast(count(*) as varchar) as value from person
union all select 'member_months', cast(count(*) as varchar) from member_month
union all select 'claims', cast(count(*) as varchar) from claim
union all select 'claim_lines', cast(count(*) as varchar) from claim_line
union all select 'fills', cast(count(*) as varchar) from pharmacy_fill
union all select 'units', cast(count(*) as varchar) from unit
union all select 'claims_superseded', cast(count(*) as varchar) from claim where superseded_by is not null
union all select 'claims_seen_by_two_payers', cast(count(*) as varchar) from claim where duplicate_of is not null
union all select 'fills_seen_by_two_payers', cast(count(*) as varchar) from pharmacy_fill where duplicate_of is not null
union all select 'stays', cast(count(*) as varchar) from stay
union all select 'open_stays', cast(count(*) as varchar) from stay where is_open
union all select 'lines_repriced', cast(count(*) as varchar) from claim_line where repriced
union all
select 'data_through', cast(min(least(source_end.last_day, source_period.end_date)) as varchar)
from (
    select source_id, max(from_date) as last_day
    from claim
    where superseded_by is null
    group by source_id
) as source_end
left join source_period using (source_id)
