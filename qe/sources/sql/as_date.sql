-- The date that a text states, or NULL: 2015-05-30, 20150530, 30-May-2015, 17-MAR-59. A two-digit year is the latest that is
-- not after `latest_year`. Source: date forms seen in delivered RIF, LDS and APCD files.
create temp macro as_date(value, latest_year) as
case
    when value is null then null
    when length(value) = 8 and value[3] <> '-' and value[2] <> '-' then try_strptime(value, '%Y%m%d')::date
    when length(value) = 10 and value[5] = '-' then try_strptime(value, '%Y-%m-%d')::date
    when length(value) between 8 and 9 and value[-3] = '-' then try_strptime(
        value[:-3]
        || (latest_year - (latest_year - try_cast(value[-2:] as integer)) % 100)::varchar,
        '%d-%b-%Y'
    )::date
    when length(value) between 10 and 11 then try_strptime(value, '%d-%b-%Y')::date
end
