-- Grain: one row per claim or fill that is asked about.
create or replace temp table asked_claim (kind varchar, claim_id varchar)
