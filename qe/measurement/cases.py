"""Worked cases of a measure: people and claims by hand, with the classification a reader expects.

A case runs through the same two steps as real data: `derive_events` (stays, visits, fills, ...) and `compute`.

Schema of cases.toml (closed: unknown keys are errors):

    [period]                       # the measure period of every case without its own
    start = 2024-01-01
    end = 2024-12-31

    [defaults.person]              # values that every row of that contract table has unless the row says otherwise
    birth_date = 1950-06-15
    sex = 1
    [defaults.claim]
    source_id = "M"
    paid_status = "paid"

    [templates.acute]              # named sets of values; a row takes one with like = "acute" (above defaults, below the row)
    claim_type = "inpatient"
    frequency_code = "1"

    [given]                        # optional: rows that every case has (provider_identifier, provider, affiliation, ...)
    provider_identifier = [{ unit_id = "U000001", id_type = "CCN", identifier = "050001", facility_type = "short_term" }]

    [[case]]
    id = "day_30"                  # unique in the file
    title = "an unplanned readmission on day 30 counts"      # the sentence that names the test
    rules = ["R8"]                 # rules of method.md that this case shows (one or more)
    why = "0 <= admission - discharge <= 30, both ends included"
    period = { start = 2024-01-01, end = 2024-12-31 }        # optional
    parameters = { cancer_rule = "all" }                     # optional
    attribution = "mssp_step"                                # optional; without it no attribution runs
    expect = [                     # one row an event; not every event need be listed
      { event_id = "C1", in_denominator = true, exclusion_reasons = [], in_numerator = true, value = 1, driving_claim_ids = ["C1", "C2"] },
      { person_id = "P2", in_denominator = false, exclusion_reasons = ["R3", "R5"] },
    ]
    not_considered = ["C9"]        # optional: event or person ids that the population must not hold
    totals = [                     # optional: one row a measure
      { measure_id = "hwr", denominator = 1, numerator = 1, observed = 0.5, excluded = { R3 = 1 } },
    ]
    [case.given]                   # rows of the contract tables (contracts.md section 4), only this case's
    person = [{ person_id = "P1" }]
    member_month = [{ person_id = "P1", months = "2023-01..2025-12", except = ["2024-05"] }]
    claim = [
      { claim_id = "C1", like = "acute", person_id = "P1", from_date = 2024-03-01, thru_date = 2024-03-05, diagnoses = ["J189", "I10"] },
      { claim_id = "C2", like = "acute", person_id = "P1", from_date = 2024-04-04, thru_date = 2024-04-06, diagnoses = ["A419"],
        procedures = ["0SR9019"], lines = [{ line_number = 1, revenue_code = "0120" }] },
    ]
    pharmacy_fill = [{ fill_id = "F1", person_id = "P1", fill_date = 2024-01-01, ingredients = ["ATORVASTATIN"], days_supply = 30 }]

Tables of `given` and `case.given`: person, member_month, claim, claim_line, claim_diagnosis, claim_procedure, pharmacy_fill, provider,
provider_identifier, affiliation. Columns left out are NULL. Shorthands, only here:
  member_month  months = "2024-01..2025-12" (or one "2024-05") makes one row a month, `except` leaves months out; `month` is then not given
  claim         diagnoses = [code or {code, kind, icd_version, present_on_admission, sequence}]: the first is principal on inpatient, snf,
                hha, hospice and outpatient claims; all others "other"; codes as written, icd_version 10
                procedures = [code or {code, procedure_date, icd_version, sequence}]: procedure_date is from_date unless given
                lines = [{...}]: rows of claim_line with claim_id filled in; line_number counts from 1, from_date and thru_date are
                the claim's unless given
                thru_date is from_date unless given; on inpatient and snf claims admit_date and discharge_date are from_date and
                thru_date unless given (discharge_date = "" leaves it NULL)
  any row       "" is NULL

A row of `expect` is found by event_id, or by person_id when that person has one event, within measure_id when the module publishes
several. Every other key is a column of the events: contract columns or the module's own. Lists of reasons and rules are compared as
sorted lists, claim ids in order, a number after rounding the engine's to the decimals written (0.9836 means 0.98360 +- half of 0.0001).
    factors = { age = 74, "comorbidity:HF" = 1, "comorbidity:DM" = 0 }   # covariates of the event, absent = 0
    attributed = { group = "U000007", clinician = "U000003", facility = "" }   # "" means nobody
"""
