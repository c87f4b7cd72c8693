-- Grain: one row. Value: share of delivered claim headers without any line in the files of their folder.
select
    cast(coalesce(sum(headers_without_lines) / nullif(sum(headers), 0), 0) as decimal(18, 6)) as value,
    cast(coalesce(sum(headers_without_lines), 0) as bigint) as affected
from split_file
