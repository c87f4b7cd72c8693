-- Grain: one row per indicator and person with a stay that is on the indicator's lists. Decides: which stays are judged (R6), which are
-- dropped (R7, R8), the ten components (R9 to R18), the composites (R19) and the count (R20).
-- Columns of its own: counted_stays, and left_out_stays: "stay_id rule" of stays on the lists that do not count.
-- Source: method.md, sections 3 and 4; PQI_AREA_MEASURES.SAS v2024. All codes match exactly.
with considered_stay as (                                         -- R6; one row of stay per admission, whichever payers report it
    select
        stay.stay_id,
        stay.person_id,
        stay.discharge_date,
        stay.point_of_origin,
        stay.drg,
        stay.claim_ids,
        age_on(person.birth_date, stay.admit_date) as age_at_admission,
        case when coalesce(stay.icd_version, 10) = 10 then stay.principal_diagnosis end as principal_code
    from stay
    join person using (person_id)
    join person_month as discharge_month
        on discharge_month.person_id = stay.person_id and discharge_month.month = month_of(stay.discharge_date)
    where stay.is_acute
        and not coalesce(stay.is_open, false)
        and stay.discharge_date between $period_start and $period_end
        and discharge_month.hospital
        and stay.person_id in (select person_id from population)
),
on_list as (                                                      -- where a stay's codes stand on the lists
    select considered_stay.stay_id, 'principal' as place, value_set.name
    from considered_stay
    join value_set on value_set.code = considered_stay.principal_code and value_set.system = 'ICD10CM'
    union
    select considered_stay.stay_id, 'any diagnosis' as place, value_set.name
    from considered_stay
    join stay_diagnosis
        on stay_diagnosis.stay_id = considered_stay.stay_id
        and stay_diagnosis.kind in ('principal', 'other')
        and coalesce(stay_diagnosis.icd_version, 10) = 10
    join value_set on value_set.code = stay_diagnosis.code and value_set.system = 'ICD10CM'
    union
    select considered_stay.stay_id, 'any procedure' as place, value_set.name
    from considered_stay
    join stay_procedure
        on stay_procedure.stay_id = considered_stay.stay_id and coalesce(stay_procedure.icd_version, 10) = 10
    join value_set on value_set.code = stay_procedure.code and value_set.system = 'ICD10PCS'
),
stay_lists as (
    select
        considered_stay.stay_id,
        considered_stay.age_at_admission,
        considered_stay.principal_code,
        considered_stay.drg,
        considered_stay.point_of_origin,
        bool_or(place = 'principal' and name = 'acdiasd') as for_short_term_diabetes,
        bool_or(place = 'principal' and name = 'acdiald') as for_long_term_diabetes,
        bool_or(place = 'principal' and name = 'acdiaud') as for_uncontrolled_diabetes,
        bool_or(place = 'principal' and name = 'accopdd') as for_copd,
        bool_or(place = 'principal' and name = 'acsastd') as for_asthma,
        bool_or(place = 'principal' and name = 'acshypd') as for_hypertension,
        bool_or(place = 'principal' and name = 'mrtchfd') as for_heart_failure,
        bool_or(place = 'principal' and name = 'acsbacd') as for_pneumonia,
        bool_or(place = 'principal' and name = 'acsutid') as for_urinary_infection,
        bool_or(place = 'principal' and name = 'mdc14prindx') as is_obstetric,
        bool_or(place = 'any diagnosis' and name = 'respan') as has_respiratory_anomaly,
        bool_or(place = 'any diagnosis' and name = 'acshy2d') as has_kidney_disease,
        bool_or(place = 'any diagnosis' and name = 'acsba2d') as has_sickle_cell,
        bool_or(place = 'any diagnosis' and name = 'kidney') as has_kidney_disorder,
        bool_or(place = 'any diagnosis' and name = 'acslead') as has_diabetes,
        bool_or(place = 'any diagnosis' and name = 'aclea2d') as has_traumatic_amputation,
        bool_or(place = 'any diagnosis' and name = 'immunid' or name = 'immunip') as is_immunocompromised,
        bool_or(name = 'dialy2p') as had_dialysis_access,
        bool_or(name = 'acscarp') as had_cardiac_procedure,
        bool_or(name = 'acsleap') as had_amputation
    from considered_stay
    join on_list using (stay_id)
    group by all
),
dropped as (                                                      -- whatever the indicator
    select stay_id, 'R7' as rule_id
    from stay_lists
    where age_at_admission < 18 and not is_obstetric or principal_code is null or drg = '999'
    union all
    select stay_id, 'R8' as rule_id
    from stay_lists
    where point_of_origin in ('4', '5', '6')
),
dropped_stay as (
    select stay_id, min(rule_id) as rule_id
    from dropped
    group by stay_id
),
on_component as (                                                 -- the lists that put a stay in, and whether another takes it out
    select stay_id, 'pqi_01' as measure_id, 'R9' as rule_id, false as is_taken_out
    from stay_lists
    where for_short_term_diabetes
    union all
    select stay_id, 'pqi_03', 'R10', false
    from stay_lists
    where for_long_term_diabetes
    union all
    select stay_id, 'pqi_05', 'R11', age_at_admission < 40 or has_respiratory_anomaly
    from stay_lists
    where for_copd or for_asthma
    union all
    select stay_id, 'pqi_07', 'R12', had_cardiac_procedure or (has_kidney_disease and had_dialysis_access)
    from stay_lists
    where for_hypertension
    union all
    select stay_id, 'pqi_08', 'R13', had_cardiac_procedure
    from stay_lists
    where for_heart_failure
    union all
    select stay_id, 'pqi_11', 'R14', has_sickle_cell or is_immunocompromised
    from stay_lists
    where for_pneumonia
    union all
    select stay_id, 'pqi_12', 'R15', has_kidney_disorder or is_immunocompromised
    from stay_lists
    where for_urinary_infection
    union all
    select stay_id, 'pqi_14', 'R16', false
    from stay_lists
    where for_uncontrolled_diabetes
    union all
    select stay_id, 'pqi_15', 'R17', age_at_admission >= 40 or has_respiratory_anomaly
    from stay_lists
    where for_asthma
    union all
    select stay_id, 'pqi_16', 'R18', is_obstetric or has_traumatic_amputation
    from stay_lists
    where had_amputation and has_diabetes
),
judged as (
    select
        on_component.stay_id,
        on_component.measure_id,
        on_component.rule_id,
        coalesce(dropped_stay.rule_id, case when on_component.is_taken_out then on_component.rule_id end) as left_out_by
    from on_component
    left join dropped_stay using (stay_id)
),
composite as (                                                    -- R19
    select component_id, composite_id
    from (
        values
            ('pqi_01', 'pqi_92'), ('pqi_03', 'pqi_92'), ('pqi_05', 'pqi_92'), ('pqi_07', 'pqi_92'), ('pqi_08', 'pqi_92'),
            ('pqi_14', 'pqi_92'), ('pqi_15', 'pqi_92'), ('pqi_16', 'pqi_92'), ('pqi_11', 'pqi_91'), ('pqi_12', 'pqi_91'),
            ('pqi_01', 'pqi_93'), ('pqi_03', 'pqi_93'), ('pqi_14', 'pqi_93'), ('pqi_16', 'pqi_93')
    ) as stated(component_id, composite_id)
    union all
    select distinct measure_id, 'pqi_90'
    from population
    where measure_id < 'pqi_90'
),
stay_of_indicator as (                                            -- R19: a stay counts once in a composite, whichever components it is in
    select measure_id, stay_id, [rule_id] as rule_ids, left_out_by
    from judged
    union all
    select
        composite.composite_id,
        judged.stay_id,
        list_append(list(judged.rule_id order by judged.measure_id) filter (where judged.left_out_by is null), 'R19'),
        case
            when bool_and(judged.left_out_by is not null)
                then string_agg(distinct judged.left_out_by, ' ' order by judged.left_out_by)
        end
    from judged
    join composite on composite.component_id = judged.measure_id
    group by composite.composite_id, judged.stay_id
)
select
    population.event_id,
    population.measure_id,
    cast(count(*) filter (where stay_of_indicator.left_out_by is null) as decimal(18, 6)) as value,   -- R20
    list_distinct(flatten(
        [['R6', 'R20']]
        || list(
            coalesce(string_split(stay_of_indicator.left_out_by, ' '), stay_of_indicator.rule_ids)
            order by considered_stay.discharge_date, considered_stay.stay_id
        )
    )) as rule_ids,
    flatten(coalesce(
        list(considered_stay.claim_ids order by considered_stay.discharge_date, considered_stay.stay_id)
            filter (where stay_of_indicator.left_out_by is null),
        []
    )) as claim_ids,
    coalesce(
        list(considered_stay.stay_id order by considered_stay.discharge_date, considered_stay.stay_id)
            filter (where stay_of_indicator.left_out_by is null),
        []
    ) as counted_stays,
    coalesce(
        list(
            considered_stay.stay_id || ' ' || stay_of_indicator.left_out_by
            order by considered_stay.discharge_date, considered_stay.stay_id
        ) filter (where stay_of_indicator.left_out_by is not null),
        []
    ) as left_out_stays
from stay_of_indicator
join considered_stay using (stay_id)
join population
    on population.person_id = considered_stay.person_id and population.measure_id = stay_of_indicator.measure_id
group by population.event_id, population.measure_id
