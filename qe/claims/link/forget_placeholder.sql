-- Grain: one row per source and native person id. Decides: a placeholder is an unknown fact. The rows keep their places (party.sql).
update party_row
set
    mbi = case when not is_placeholder(party_row.population, 'mbi', party_row.mbi) then party_row.mbi end,
    ssn = case when not is_placeholder(party_row.population, 'ssn', party_row.ssn) then party_row.ssn end,
    surrogate_key = case
        when not is_placeholder(party_row.population, 'surrogate_key', party_row.surrogate_key) then party_row.surrogate_key
    end,
    crossreference_key = case
        when not is_placeholder(party_row.population, 'crossreference_key', party_row.crossreference_key)
            then party_row.crossreference_key
    end,
    last_name = case
        when not is_placeholder(party_row.population, 'name', concat_ws(' ', party_row.last_name, party_row.first_name))
            then party_row.last_name
    end,
    first_name = case
        when not is_placeholder(party_row.population, 'name', concat_ws(' ', party_row.last_name, party_row.first_name))
            then party_row.first_name
    end,
    birth_date = case
        when not is_placeholder(party_row.population, 'birth_date', cast(party_row.birth_date as varchar))
            then party_row.birth_date
    end
