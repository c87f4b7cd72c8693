-- Grain: one row per file and pair of identifiers under which a facility billed; claims counts them.
create temp table facility_seen (ccn varchar, npi varchar, tin varchar, bill_type varchar, claims bigint)
