-- Grain: one row. Value: share of delivered claim lines whose claim header is in no file of their folder.
select
    cast(coalesce(sum(orphan_lines) / nullif(sum(lines), 0), 0) as decimal(18, 6)) as value,
    cast(coalesce(sum(orphan_lines), 0) as bigint) as affected
from split_file
