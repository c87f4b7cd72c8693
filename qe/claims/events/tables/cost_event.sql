-- Grain: one row per claim or fill, each service once across payers. allowed_amount is the primary payer's;
-- paid_amount is what all payers paid, capped at allowed. claim_id of a fill is its fill_id.
create table cost_event (
    person_id varchar,
    service_date date,
    event_kind varchar,
    claim_id varchar,
    payer_id varchar,
    payer_type varchar,
    service_category varchar,
    allowed_amount decimal(14, 2),
    paid_amount decimal(14, 2),
    repriced boolean
)
