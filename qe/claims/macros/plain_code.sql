-- A clinical code as it is compared: upper case, without dots and blanks; NULL when nothing is left.
create or replace temp macro plain_code(code) as nullif(upper(replace(trim(code), '.', '')), '')
