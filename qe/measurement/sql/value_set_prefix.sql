-- Grain: one row per list and code seen in the model. Decides: which codes a prefix or a range of prefixes means.
-- A range LOW-HIGH is compared on the length of its bounds.
insert into value_set
with listed_range as (
    select
        name,
        system,
        string_split(code, '-')[1] as low,
        coalesce(string_split(code, '-')[2], string_split(code, '-')[1]) as high
    from listed_code
    where match in ('prefix', 'range_prefix')
),
code_seen as (
    select 'diagnosis' as kind, code from claim_diagnosis
    union
    select 'procedure' as kind, code from claim_procedure
    union
    select 'service' as kind, hcpcs as code from claim_line
    union
    select 'drug' as kind, ndc as code from pharmacy_fill
)
select distinct listed_range.name, code_seen.code, listed_range.system
from listed_range
join code_seen
    on substr(code_seen.code, 1, length(listed_range.low)) between listed_range.low and listed_range.high
    and code_seen.kind = case
        when replace(upper(listed_range.system), '-', '') in ('ICD10CM', 'ICD9CM') then 'diagnosis'
        when replace(upper(listed_range.system), '-', '') in ('ICD10PCS', 'ICD9PCS') then 'procedure'
        when listed_range.system = 'NDC' then 'drug'
        else 'service'
    end
