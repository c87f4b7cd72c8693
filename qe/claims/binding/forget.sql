-- Grain: one source of this run. Decides: what its ids are bound to is written anew.
delete from vault.beneficiary_binding where source_id in (select source_id from population)
