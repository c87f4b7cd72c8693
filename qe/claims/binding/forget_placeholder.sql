-- Grain: one row per source, crosswalk version and beneficiary id. Decides: a placeholder is an unknown fact.
update crosswalk_person
set
    mbi = case when not is_placeholder(concat_ws(' ', version_order, source_id), 'mbi', crosswalk_person.mbi) then crosswalk_person.mbi end,
    hicn = case
        when not is_placeholder(concat_ws(' ', version_order, source_id), 'hicn', crosswalk_person.hicn) then crosswalk_person.hicn
    end,
    surrogate_key = case
        when not is_placeholder(concat_ws(' ', version_order, source_id), 'surrogate_key', crosswalk_person.surrogate_key)
            then crosswalk_person.surrogate_key
    end,
    last_name = case
        when not is_placeholder(
            concat_ws(' ', version_order, source_id), 'name', concat_ws(' ', crosswalk_person.last_name, crosswalk_person.first_name)
        ) then crosswalk_person.last_name
    end,
    first_name = case
        when not is_placeholder(
            concat_ws(' ', version_order, source_id), 'name', concat_ws(' ', crosswalk_person.last_name, crosswalk_person.first_name)
        ) then crosswalk_person.first_name
    end,
    birth_date = case
        when not is_placeholder(
            concat_ws(' ', version_order, source_id), 'birth_date', cast(crosswalk_person.birth_date as varchar)
        ) then crosswalk_person.birth_date
    end
