-- Grain: one row per product code of APCD-CDL (CDLME004). Decides: whether a month in it is a medical month, and of which payer type.
create temp table product_category (code varchar, payer_type varchar, is_medical boolean, is_primary boolean)
