-- Calendar months from the month of one day to the month of a later day: 31 January to 1 February is 1.
create or replace temp macro months_between(earlier, later) as
    (year(later) - year(earlier)) * 12 + month(later) - month(earlier)
