-- One row. Fails: its person would be older than 115 years that day.
date_sub('year', birth_date, {column}) > 115
