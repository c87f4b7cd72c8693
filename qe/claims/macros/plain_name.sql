-- A name as it is compared: upper case, without accents, marks and blanks, and without a suffix (JR, SR, II, III, IV); NULL when nothing is left.
create or replace temp macro plain_name(name) as
    nullif(
        regexp_replace(
            regexp_replace(upper(strip_accents(trim(name))), '[ ,]+(JR|SR|II|III|IV)[.]?$', ''), '[^A-Z0-9]', '', 'g'
        ),
        ''
    )
