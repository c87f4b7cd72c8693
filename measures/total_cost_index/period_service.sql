-- Grain: one row per service of the period: a netted service of claim lines, a stay, a fill, and what is left of a claim. Decides: what
-- is one service (R12), and under which keys it is priced: as itself (R13), and by the next wider one (R14). All steps are exact: cents and
-- thousandths of units as whole numbers. Source: method.md, section 4.
with costed_claim as (
    select
        cost_event.person_id,
        cost_event.service_date,
        cost_event.service_category,
        cost_event.claim_id,
        cast(coalesce(cost_event.allowed_amount, 0) * 100 as bigint) as cents,
        coalesce(cost_event.repriced, false) as repriced,
        claim.claim_type,
        claim.from_date,
        claim.payer_id,
        coalesce(claim.facility_id, claim.billing_tin, claim.billing_npi) as provider_id
    from cost_event
    join claim using (claim_id)
    where cost_event.event_kind = 'claim'
        and (cost_event.service_date between $period_start and $period_end or claim.claim_type in ('inpatient', 'snf'))
),
bill_of_stay as (
    select
        stay_id,
        unnest(claim_ids) as claim_id,
        coalesce(facility_type, '') as facility_type,
        lpad(drg, 3, '0') as drg,
        case when discharge_date is not null then greatest(1, discharge_date - admit_date) end as days   -- none of an open stay
    from stay
),
bill as (
    select
        costed_claim.person_id,
        costed_claim.service_date,
        costed_claim.service_category,
        costed_claim.claim_id,
        costed_claim.cents,
        costed_claim.repriced,
        costed_claim.payer_id,
        costed_claim.provider_id,
        coalesce(bill_of_stay.stay_id, costed_claim.claim_id) as stay_id,
        bill_of_stay.facility_type,
        bill_of_stay.drg,
        bill_of_stay.days
    from costed_claim
    left join bill_of_stay using (claim_id)
    where costed_claim.claim_type in ('inpatient', 'snf')
),
whole_stay as (                                                   -- R12: all bills of a stay are one service, begun with the first of them
    select
        min(person_id) as person_id,
        min(service_date) as service_date,
        arg_min(service_category, (service_date, claim_id)) as service_category,
        arg_min(claim_id, (service_date, claim_id)) as claim_id,
        arg_min(payer_id, (service_date, claim_id)) as payer_id,
        arg_min(provider_id, (service_date, claim_id)) as provider_id,
        cast(sum(cents) as bigint) as cents,
        bool_or(repriced) as repriced,
        min(facility_type) as facility_type,
        min(drg) as drg,
        min(days) as days
    from bill
    group by stay_id
),
line as (                                                         -- R12: lines with a service code that stand
    select
        costed_claim.person_id,
        costed_claim.service_date,
        costed_claim.service_category,
        costed_claim.claim_id,
        costed_claim.claim_type,
        costed_claim.payer_id,
        costed_claim.provider_id,
        coalesce(claim_line.from_date, costed_claim.from_date) as day,
        claim_line.hcpcs,
        array_to_string(list_sort(list_distinct(coalesce(claim_line.modifiers, []))), ' ') as modifiers,
        case
            when costed_claim.claim_type <> 'professional' then costed_claim.claim_type
            when claim_line.place_of_service in ('19', '21', '22', '23', '24') then 'professional in a facility'
            else 'professional'
        end as place,
        cast(coalesce(claim_line.allowed_amount, 0) * 100 as bigint) as cents,
        case when claim_line.units > 0 then cast(claim_line.units * 1000 as bigint) else 1000 end as units,
        costed_claim.repriced or coalesce(claim_line.repriced, false) as repriced
    from costed_claim
    join claim_line using (claim_id)
    where costed_claim.claim_type not in ('inpatient', 'snf')
        and claim_line.superseded_by is null and claim_line.duplicate_of is null
        and coalesce(claim_line.line_status, 'paid') in ('paid', 'zero_paid', 'other_payer_paid')
        and claim_line.hcpcs is not null
),
netted as (                                                       -- R12: what one provider did for one person on one day, less what was taken back
    select
        person_id,
        service_date,
        service_category,
        coalesce(min(claim_id) filter (where cents > 0), min(claim_id)) as claim_id,
        claim_type,
        payer_id,
        provider_id,
        hcpcs,
        modifiers,
        place,
        cast(sum(cents) as bigint) as cents,
        greatest(
            sum(case when cents > 0 then units when cents < 0 then -units else 0 end),
            max(units) filter (where cents > 0)
        ) as units,
        bool_or(repriced) as repriced
    from line
    group by person_id, service_date, service_category, claim_type, payer_id, provider_id, day, hcpcs, modifiers, place
),
lines_of_claim as (
    select claim_id, sum(cents) as cents
    from line
    group by claim_id
)
select
    person_id,
    service_date,
    'claim' as event_kind,
    claim_id,
    service_category,
    cents,
    repriced,
    payer_id,
    provider_id,
    concat_ws('|', 'code', hcpcs, modifiers, place, year(service_date)) as service_key,
    units as service_units,
    concat_ws('|', 'code', hcpcs, claim_type, year(service_date)) as wider_key,
    units as wider_units,
    'code' as wider_method
from netted
union all
select
    costed_claim.person_id,
    costed_claim.service_date,
    'claim',
    costed_claim.claim_id,
    costed_claim.service_category,
    costed_claim.cents - coalesce(lines_of_claim.cents, 0),   -- R15: what a claim holds beside its coded lines
    costed_claim.repriced,
    null, null, null, null, null, null, null
from costed_claim
left join lines_of_claim using (claim_id)
where costed_claim.claim_type not in ('inpatient', 'snf')
    and costed_claim.cents <> coalesce(lines_of_claim.cents, 0)
union all
select
    person_id, service_date, 'claim', claim_id, service_category, cents, repriced, payer_id, provider_id,
    case when drg is not null then concat_ws('|', 'drg', drg, facility_type, year(service_date)) end,
    1000,
    case when days is not null then concat_ws('|', 'day', facility_type, year(service_date)) end,
    days * 1000,
    'day'
from whole_stay
where service_date between $period_start and $period_end
union all
select
    cost_event.person_id,
    cost_event.service_date,
    'fill',
    cost_event.claim_id,
    cost_event.service_category,
    cast(coalesce(cost_event.allowed_amount, 0) * 100 as bigint),
    coalesce(cost_event.repriced, false),
    cost_event.payer_id,
    pharmacy_fill.pharmacy_npi,
    case
        when pharmacy_fill.ndc is not null and pharmacy_fill.quantity > 0
            then concat_ws('|', 'ndc', pharmacy_fill.ndc, year(cost_event.service_date))
    end,
    cast(pharmacy_fill.quantity * 1000 as bigint),
    case
        when len(pharmacy_fill.ingredients) > 0 and pharmacy_fill.days_supply > 0
            then concat_ws(
                '|', 'drug',
                array_to_string(list_sort(list_distinct(list_transform(pharmacy_fill.ingredients, lambda name: upper(trim(name))))), '+'),
                coalesce(pharmacy_fill.brand_generic, ''), year(cost_event.service_date)
            )
    end,
    pharmacy_fill.days_supply * 1000,
    'ingredient'
from cost_event
join pharmacy_fill on pharmacy_fill.fill_id = cost_event.claim_id
where cost_event.event_kind = 'fill' and cost_event.service_date between $period_start and $period_end
