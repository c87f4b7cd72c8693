-- Grain: one row per hospital (CCN) and span of days: its stays that ended in them, whoever paid, by somebody's count.
create table hospital_stays (
    ccn varchar,
    from_date date,
    to_date date,
    stays integer,
    counted_by varchar
)
