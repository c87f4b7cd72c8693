-- Grain: one row per file, clinician, specialty and group (TIN) seen on claims, with the first and last day.
create temp table clinician_seen (
    npi varchar, specialty varchar, tin varchar, lines bigint, first_date date, last_date date
)
