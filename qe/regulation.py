"""The numbers of 42 CFR Part 401 Subpart G, each once, with its paragraph."""

REVIEW_DAYS = 60  # 401.717(a): calendar days from the day the confidential report was sent
NOTICE_DAYS = 65  # 401.717(f)(1): calendar days of notice before a non-public analysis that names a provider
OPT_IN_FULL_DAYS = 5  # 401.717(f)(2): an opt-in by this day has the full 60 days
CHANGE_NOTICE_DAYS = 30  # 401.711(a): days before a changed plan may be used
ALTERNATIVE_DECISION_DAYS = 60  # 401.715(b)(1)(ii): an alternative measure is deemed approved after these days
DECREASE_CURE_DAYS = 120  # 401.711(c)(1): days to document sufficiency after claims data decreased
EQUIVALENT_SWITCH_MONTHS = 6  # 401.715(b)(2): months to switch to an equivalent standard measure
VISIT_MONTHS = 24  # 401.703(r): months within which a visit makes a patient
APPROVAL_YEARS = 3  # 401.709(c)
ASSESSMENT_PER_PERSON = 100  # 401.719(d)(5), dollars
MINIMUM_CELL = 11  # CMS cell size policy (hhs.gov/guidance, resdac.org/node/1506): no published count of 1 to 10

CITATION = {
    "review": "42 CFR 401.717(a)",
    "request": "42 CFR 401.717(b)",
    "claims_data": "42 CFR 401.717(c)",
    "regardless": "42 CFR 401.717(d)",
    "posting": "42 CFR 401.717(e)",
    "notice": "42 CFR 401.717(f)",
    "approval": "42 CFR 401.709(c)",
    "rights": "42 CFR 401.707(d)",
    "combined": "42 CFR 401.703(q), 401.707(d)",
    "dua": "42 CFR 401.709(b), 401.713(a)",
    "standard_measure": "42 CFR 401.715(a)",
    "alternative_measure": "42 CFR 401.715(b)",
    "decrease": "42 CFR 401.711(c)",
    "change": "42 CFR 401.711(a), (b)",
    "termination": "42 CFR 401.721(b)",
    "annual_report": "42 CFR 401.719(b)",
    "cell_size": "CMS cell size suppression policy (42 CFR 401.713(a))",
}
