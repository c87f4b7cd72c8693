-- Grain: one row per attributed person and level (the billing group or FQHC/RHC, and the clinician inside it).
-- Decides: who is responsible for a person's primary care in the window, by plurality of allowed charges, in two steps:
--   gate    at least one primary care service by a physician of primary care or of a listed specialty (FQHC and RHC count)
--   step 1  primary care physicians, nurse practitioners, clinical nurse specialists and physician assistants, and FQHC/RHC
--   step 2  physicians of the listed specialties, only for persons without any step 1 service
-- The group is decided first, then the clinician with the plurality inside that group and step.
-- Lines: not denied, with an allowed amount or capitated (a capitated one without a price counts with 0 dollars; its share is NULL).
-- Ties: latest service, then most days with a service, then the smaller unit_id. Lines without a unit win nobody but count for the step.
-- Source: 42 CFR 425.400(c), 425.402(b)-(c), 425.404. Electing teaching amendment hospitals (G0463) cannot be told apart and are left out.
with payer_with_skilled_nursing as (                              -- elsewhere place of service 31 tells who was in skilled nursing
    select distinct payer_id from stay where facility_type = 'snf'
),
window_line as (
    select
        visit.person_id,
        visit.service_date,
        visit.claim_id,
        visit.hcpcs,
        visit.place_of_service,
        visit.is_fqhc_rhc,
        coalesce(visit.in_snf_stay, false) or (
            visit.place_of_service = '31' and coalesce(visit.payer_id not in (select payer_id from payer_with_skilled_nursing), true)
        ) as is_in_snf,
        visit.clinician_id,
        coalesce(visit.group_id, visit.facility_id) as billing_id,
        case when visit.group_id is not null then 'group' else 'facility' end as billing_level,
        attribution_specialty.role,
        visit.allowed_amount
    from visit
    join (select distinct person_id from population) as population using (person_id)
    left join attribution_specialty on attribution_specialty.specialty = visit.specialty
    where visit.service_date between $window_start and $window_end and (visit.allowed_amount > 0 or visit.is_capitated)
),
code_in_force as (
    select code_low, code_high, place_rule
    from attribution_code
    where $performance_year between year_from and coalesce(year_to, 9999)
        and (place_rule is distinct from 'emergency' or $in_emergency)
),
base_line as (                                                    -- primary care services that stand by themselves
    select person_id, service_date, claim_id, clinician_id, billing_id, billing_level, role, is_fqhc_rhc, allowed_amount
    from window_line
    where exists (
        select 1
        from code_in_force
        where window_line.hcpcs between code_in_force.code_low and code_in_force.code_high
            and case code_in_force.place_rule
                when 'not_in_snf' then not coalesce(window_line.is_in_snf, false)
                when 'at_home' then coalesce(window_line.place_of_service = '12', false)
                when 'not_inpatient' then coalesce(window_line.place_of_service <> '21', true)
                when 'add_on' then false
                else true
            end
    )
    or (
        coalesce(window_line.is_fqhc_rhc, false)
        and not (coalesce(window_line.hcpcs between '99304' and '99318', false) and coalesce(window_line.is_in_snf, false))
    )
),
primary_care_line as (                                            -- with add-on codes whose claim holds a base service
    select person_id, service_date, claim_id, clinician_id, billing_id, billing_level, role, is_fqhc_rhc, allowed_amount
    from base_line
    union all
    select person_id, service_date, claim_id, clinician_id, billing_id, billing_level, role, is_fqhc_rhc, allowed_amount
    from window_line
    where exists (
        select 1
        from code_in_force
        where code_in_force.place_rule = 'add_on' and window_line.hcpcs between code_in_force.code_low and code_in_force.code_high
    )
    and not coalesce(is_fqhc_rhc, false)
    and (person_id, claim_id) in (select (person_id, claim_id) from base_line)
),
gated_person as (                                                 -- the gate, and the step that decides
    select
        person_id,
        case when bool_or(role in ('primary_physician', 'non_physician') or is_fqhc_rhc) then 1 else 2 end as step
    from primary_care_line
    group by person_id
    having bool_or(role in ('primary_physician', 'specialist') or is_fqhc_rhc)
),
deciding_line as (
    select
        gated_person.step,
        primary_care_line.person_id,
        primary_care_line.service_date,
        primary_care_line.claim_id,
        primary_care_line.clinician_id,
        primary_care_line.billing_id,
        primary_care_line.billing_level,
        primary_care_line.allowed_amount
    from primary_care_line
    join gated_person using (person_id)
    where case gated_person.step
        when 1 then primary_care_line.role in ('primary_physician', 'non_physician') or primary_care_line.is_fqhc_rhc
        else primary_care_line.role = 'specialist'
    end
    and primary_care_line.billing_id is not null
),
candidate as (                                                    -- billing units, and clinicians inside each billing unit
    select
        person_id, step, 'billing' as contest, '' as inside, billing_level as level, billing_id as unit_id,
        sum(allowed_amount) as allowed_amount, count(distinct service_date) as visits, max(service_date) as last_service_date
    from deciding_line
    group by all
    union all
    select
        person_id, step, 'clinician' as contest, billing_id as inside, 'clinician' as level, clinician_id as unit_id,
        sum(allowed_amount) as allowed_amount, count(distinct service_date) as visits, max(service_date) as last_service_date
    from deciding_line
    where clinician_id is not null
    group by all
),
ranked as (
    select
        person_id, step, contest, inside, level, unit_id, allowed_amount, visits, last_service_date,
        row_number() over contest_order as rank,
        sum(allowed_amount) over (partition by person_id, contest, inside) as contest_amount,
        lead(unit_id) over contest_order as runner_up_id,
        lead(allowed_amount) over contest_order as runner_up_amount,
        lead(last_service_date) over contest_order as runner_up_date,
        lead(visits) over contest_order as runner_up_visits
    from candidate
    window contest_order as (
        partition by person_id, contest, inside
        order by allowed_amount desc, last_service_date desc, visits desc, unit_id
    )
),
first_placed as (
    select
        person_id, step, contest, inside, level, unit_id, allowed_amount, visits, last_service_date, rank, contest_amount,
        runner_up_id, runner_up_amount, runner_up_date, runner_up_visits,
        max(unit_id) filter (where contest = 'billing') over (partition by person_id) as billing_id
    from ranked
    where rank = 1
),
winner as (                                                       -- the billing unit, and the clinician inside that unit
    select
        person_id, step, contest, inside, level, unit_id, allowed_amount, visits, last_service_date, rank, contest_amount,
        runner_up_id, runner_up_amount, runner_up_date, runner_up_visits
    from first_placed
    where contest = 'billing' or inside = billing_id
),
driving as (                                                      -- the claims of the winner's services, in time order
    select person_id, level, list(claim_id order by service_date, claim_id) as claim_ids
    from (
        select winner.person_id, winner.level, deciding_line.claim_id, min(deciding_line.service_date) as service_date
        from winner
        join deciding_line
            on deciding_line.person_id = winner.person_id
            and case winner.contest
                when 'billing' then deciding_line.billing_id = winner.unit_id and deciding_line.billing_level = winner.level
                else deciding_line.billing_id = winner.inside and deciding_line.clinician_id = winner.unit_id
            end
        group by winner.person_id, winner.level, deciding_line.claim_id
    ) as known
    group by person_id, level
)
select
    person_id,
    cast(null as varchar) as event_id,
    'mssp_step' as method,
    level,
    unit_id,
    cast(step as integer) as step,
    cast(allowed_amount as decimal(14, 2)) as allowed_amount,
    cast(visits as integer) as visits,
    last_service_date,
    cast(allowed_amount / nullif(contest_amount, 0) as decimal(9, 6)) as share,
    cast(rank as integer) as rank,
    cast(1 as decimal(9, 6)) as weight,
    case
        when runner_up_id is null or runner_up_amount < allowed_amount then null
        when runner_up_date < last_service_date then 'latest_service'
        when runner_up_visits < visits then 'visit_days'
        else 'unit_id'
    end as tie_break,
    runner_up_id,
    driving.claim_ids as driving_claim_ids
from winner
join driving using (person_id, level)
order by person_id, level, unit_id
