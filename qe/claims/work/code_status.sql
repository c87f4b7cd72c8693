-- Grain: one row per code of a code table (qe/claims/codes). Decides: which codes are payable, and whether the service took place.
create temp table code_status (list varchar, code varchar, status varchar, service_occurred boolean)
