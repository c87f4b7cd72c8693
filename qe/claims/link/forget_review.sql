-- Grain: one row per pair of the last linkage's queue. Decides: the queue is written anew by each run.
delete from vault.link_review
