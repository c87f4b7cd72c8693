-- One value. Fails: no code table (qe/claims/codes) says what the code means for payment or coverage.
{column} not in {codes}
