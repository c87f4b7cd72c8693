-- Grain: one row per unit and identifier that stands for it. One hospital is one unit: its CCN and its organisation NPIs.
create table provider_identifier (
    unit_id varchar,
    id_type varchar,
    identifier varchar,
    facility_type varchar,
    valid_from date,
    valid_to date,
    source varchar
)
