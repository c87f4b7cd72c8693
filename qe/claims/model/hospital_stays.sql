-- Grain: one row per identifier of a hospital and span of days: its stays that ended in them, whoever paid, by somebody's count.
create table hospital_stays (
    id_type varchar,
    identifier varchar,
    from_date date,
    to_date date,
    stays integer,
    counted_by varchar
)
