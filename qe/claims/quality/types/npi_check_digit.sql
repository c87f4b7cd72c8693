-- One value. Fails: not ten digits, or the last digit is not that of the Luhn formula over 80840 and the first nine.
-- Source: NPI standard (45 CFR 162.406): 24 stands for the prefix 80840; the first, third, ... ninth digit is doubled, a
-- double of two digits counts as their sum (2d - 9 from 5 on). A text of other than ten digits is told by its length.
case
    when {column} is null then null
    when length({column}) <> 10 or try_cast({column} as ubigint) is null then true
    else (
        24
        + 2 * (
            try_cast({column} as ubigint) // 1000000000 + try_cast({column} as ubigint) // 10000000 % 10
            + try_cast({column} as ubigint) // 100000 % 10 + try_cast({column} as ubigint) // 1000 % 10
            + try_cast({column} as ubigint) // 10 % 10
        )
        - 9 * (
            cast(try_cast({column} as ubigint) // 1000000000 >= 5 as integer)
            + cast(try_cast({column} as ubigint) // 10000000 % 10 >= 5 as integer)
            + cast(try_cast({column} as ubigint) // 100000 % 10 >= 5 as integer)
            + cast(try_cast({column} as ubigint) // 1000 % 10 >= 5 as integer)
            + cast(try_cast({column} as ubigint) // 10 % 10 >= 5 as integer)
        )
        + try_cast({column} as ubigint) // 100000000 % 10 + try_cast({column} as ubigint) // 1000000 % 10
        + try_cast({column} as ubigint) // 10000 % 10 + try_cast({column} as ubigint) // 100 % 10
        + try_cast({column} as ubigint) % 10
    ) % 10 <> 0
end
