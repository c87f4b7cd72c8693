-- Grain: one fill. Decides: the payer type of a fill when a model given as files leaves it out.
update pharmacy_fill
set payer_type = (select min(payer_type) from member_month where member_month.payer_id = pharmacy_fill.payer_id)
where payer_type is null
