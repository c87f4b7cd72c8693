-- What kind of facility a CMS Certification Number stands for, read as text. A letter in position 3 marks a unit inside a
-- hospital: S M psychiatric, T R rehabilitation, U W Y Z swing beds (skilled nursing). Source: ResDAC, CMS SOM 2779A ranges;
-- PPS-exempt cancer hospitals, 42 CFR 412.23(f).
create or replace temp macro ccn_facility_type(ccn) as
    case
        when ccn is null or length(ccn) <> 6 then null
        when ccn in ('050146', '050660', '100079', '100271', '220162', '330154', '330354', '360242', '390196', '450076', '500138')
            then 'cancer_exempt'
        when substr(ccn, 3, 1) in ('S', 'M') then 'psychiatric'
        when substr(ccn, 3, 1) in ('T', 'R') then 'rehabilitation'
        when substr(ccn, 3, 1) in ('U', 'W', 'Y', 'Z') then 'snf'
        when not regexp_full_match(substr(ccn, 3, 4), '[0-9]{4}') then 'other'
        when substr(ccn, 3, 4) between '0001' and '0879' then 'short_term'
        when substr(ccn, 3, 4) between '1300' and '1399' then 'cah'
        when substr(ccn, 3, 4) between '2000' and '2299' then 'ltch'
        when substr(ccn, 3, 4) between '3025' and '3099' then 'rehabilitation'
        when substr(ccn, 3, 4) between '4000' and '4499' then 'psychiatric'
        when substr(ccn, 3, 4) between '5000' and '6499' then 'snf'
        else 'other'
    end
