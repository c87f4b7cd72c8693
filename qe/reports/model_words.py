"""What the codes of risk models mean: their kinds, factors, cohorts, terms and the figures of their fit."""

from typing import Final

from qe.reports import wording
from qe.statistics.terms import CALIBRATION, NO_EFFECTS

MODELS: Final = {
    "mixed_logit": "a logistic model with an effect of each provider",
    "logistic": "a logistic model of the outcome",
    "poisson": "a log-linear model of the mean",
    "nb": "a negative binomial model of counts",
    "gamma": "a gamma model of amounts",
    "indirect": "indirect standardisation",
    "published": "the published coefficients of the specification",
}
FAMILIES: Final = {
    "age": "age",
    "age*payer_line": "age by payer",
    "sex": "sex",
    "payer_line": "payer",
    "comorbidity": "comorbidities",
    "diagnosis_group": "group of the principal diagnosis",
    "condition": "chronic conditions",
    "drg_group": "diagnosis related group by organ system and kind",
    "prior_stay": "a hospital stay shortly before",
    "cohort": "kind of stay",
    "history": "how much of the year before is known",
}
FORMS: Final = {"": "", "spline": " as a curve", "bands": " in bands"}
TERMS: Final = {
    "intercept": "Intercept",
    "age": "Age, by 10 years",
    "age'1": "Age: bend of the curve at 25 years",
    "age'2": "Age: bend of the curve at 45 years",
    "age'3": "Age: bend of the curve at 65 years",
    "sex": "Female",
    "sex:unknown": "Sex not recorded",
    "c_statistic": "C-statistic: 0.5 tells cases apart no better than chance, 1 always",
    "events": "Cases in the model",
    "converged": "The model converged",
    "sigma": "How much providers differ: standard deviation of their effects, in log odds",
    "providers": "Providers in the model",
    "reliability, lowest quarter": "Reliability of the effects: a quarter of providers lie below",
    "reliability, median": "Reliability of the effects: half of providers lie below",
    "reliability, highest quarter": "Reliability of the effects: three quarters of providers lie below",
}
COHORTS: Final = {
    "": "",
    "surgery_gynecology": "surgery and gynecology",
    "cardiorespiratory": "heart and lung",
    "cardiovascular": "heart and vessels",
    "neurology": "neurology",
    "medicine": "general medicine",
    "unassigned": "stays without a category",
    "full_history": "persons covered for at least 9 months of the year before",
    "short_history": "persons covered for fewer than 9 months of the year before",
}
TERM_FAMILIES: Final = {
    "age": "Age",
    "payer_line": "Payer",
    "comorbidity": "Comorbidity",
    "diagnosis_group": "Principal diagnosis",
    "condition": "Chronic condition",
    "drg_group": "Diagnosis related group",
    "prior_stay": "Hospital stay before",
    "cohort": "Kind of stay",
    "history": "Year before the period",
}
OLDEST: Final = 119  # years: the end of the last age band
POOLED: Final = "less frequent ones together"
MAJOR_CATEGORIES: Final = {
    "pre": "transplants and long ventilation",
    "01": "nervous system",
    "02": "eye",
    "03": "ear, nose, mouth and throat",
    "04": "respiratory system",
    "05": "circulatory system",
    "06": "digestive system",
    "07": "liver, bile ducts and pancreas",
    "08": "muscles, bones and connective tissue",
    "09": "skin and breast",
    "10": "endocrine, nutrition and metabolism",
    "11": "kidney and urinary tract",
    "12": "male reproductive system",
    "13": "female reproductive system",
    "14": "pregnancy and childbirth",
    "15": "newborns",
    "16": "blood and immune system",
    "17": "leukemia and other dispersed tumors",
    "18": "infections",
    "19": "mental disorders",
    "20": "alcohol and drug use",
    "21": "injuries, poisoning and effects of drugs",
    "22": "burns",
    "23": "other reasons for care",
    "24": "several severe injuries",
    "25": "HIV infection",
    "none": "operation unrelated to the diagnosis",
}
TERM_LEVELS: Final = {
    "payer_line": wording.PAYERS,
    "drg_group": {
        "unassigned": "none known",
        **{
            f"{code} {kind}": f"{name}, {kind}"
            for code, name in MAJOR_CATEGORIES.items()
            for kind in ("medical", "surgical")
        },
    },
    "prior_stay": {"within_30_days": "in the 30 days before"},
    "condition": {
        "myocardial_infarction": "heart attack",
        "dementia": "dementia",
        "atrial_fibrillation": "atrial fibrillation",
        "kidney_disease": "chronic kidney disease",
        "lung_disease": "COPD or asthma",
        "depression": "depression",
        "diabetes": "diabetes",
        "heart_failure": "heart failure",
        "stroke": "stroke or TIA",
    },
    "comorbidity": {
        "AIDS": "HIV and AIDS",
        "ALCOHOL": "alcohol abuse",
        "ANEMDEF": "deficiency anemias",
        "AUTOIMMUNE": "autoimmune conditions",
        "BLDLOSS": "chronic blood loss anemia",
        "CANCER_LEUK": "leukemia",
        "CANCER_LYMPH": "lymphoma",
        "CANCER_METS": "metastatic cancer",
        "CANCER_NSITU": "solid tumor in situ",
        "CANCER_SOLID": "malignant solid tumor without metastasis",
        "CBVD": "cerebrovascular disease",
        "COAG": "coagulopathy",
        "DEMENTIA": "dementia",
        "DEPRESS": "depression",
        "DIAB_CX": "diabetes with chronic complications",
        "DIAB_UNCX": "diabetes without chronic complications",
        "DRUG_ABUSE": "drug abuse",
        "HF": "heart failure",
        "HTN_CX": "hypertension with complications",
        "HTN_UNCX": "hypertension without complications",
        "LIVER_MLD": "mild liver disease",
        "LIVER_SEV": "moderate to severe liver disease",
        "LUNG_CHRONIC": "chronic pulmonary disease",
        "NEURO_MOVT": "neurological disorders affecting movement",
        "NEURO_OTH": "other neurological disorders",
        "NEURO_SEIZ": "seizures and epilepsy",
        "OBESE": "obesity",
        "PARALYSIS": "paralysis",
        "PERIVASC": "peripheral vascular disease",
        "PSYCHOSES": "psychoses",
        "PULMCIRC": "pulmonary circulation disease",
        "RENLFL_MOD": "moderate renal failure",
        "RENLFL_SEV": "severe renal failure",
        "THYROID_HYPO": "hypothyroidism",
        "THYROID_OTH": "other thyroid disorders",
        "ULCER_PEPTIC": "peptic ulcer disease",
        "VALVE": "valvular disease",
        "WGHTLOSS": "weight loss",
    },
    "diagnosis_group": {
        "blood": "blood diseases",
        "circulatory": "circulatory diseases",
        "congenital": "congenital anomalies",
        "digestive": "digestive diseases",
        "endocrine": "endocrine, nutritional and metabolic diseases",
        "external": "external causes",
        "genitourinary": "genitourinary diseases",
        "infectious": "infectious diseases",
        "injury": "injury and poisoning",
        "mental": "mental illness",
        "musculoskeletal": "musculoskeletal diseases",
        "neoplasms": "neoplasms",
        "nervous": "diseases of the nervous system and senses",
        "perinatal": "perinatal conditions",
        "pregnancy": "pregnancy and childbirth",
        "residual": "residual codes",
        "respiratory": "respiratory diseases",
        "skin": "skin diseases",
        "symptoms": "symptoms and ill-defined conditions",
        "unassigned": "in no group",
    },
    "cohort": {
        "surgery_gynecology": "surgery and gynecology",
        "cardiorespiratory": "cardiorespiratory",
        "cardiovascular": "cardiovascular",
        "neurology": "neurology",
        "medicine": "medicine",
        "unassigned": "in none of the groups",
    },
    "history": {"short": "fewer than 9 months in view"},
}


def risk_adjustment(text: str) -> str:
    """The risk adjustment of "logistic: age|spline, sex" in words; a reason for having none stays as it is written."""
    model, _, covariates = text.partition(": ")
    if model not in MODELS:
        return text
    factors = [_factor(covariate) for covariate in covariates.split(", ") if covariate]
    return f"{MODELS[model]}, with {', '.join(factors)}" if factors else MODELS[model]


def _factor(covariate: str) -> str:
    family, _, form = covariate.partition("|")
    return f"{FAMILIES.get(family, wording.plain(family))}{FORMS.get(form, f' ({wording.plain(form)})')}"


def cohort(code: str) -> str:
    """The group of cases that a risk model of its own is fitted to; "" for the only one."""
    return COHORTS.get(code, wording.plain(code))


def term(code: str) -> str:
    """A term of a risk model, or a figure of its fit: "comorbidity:HF" is "Comorbidity: heart failure"."""
    if code in TERMS:
        return TERMS[code]
    if code.startswith(CALIBRATION):
        line, _, ages = code.removeprefix(CALIBRATION).partition(", age ")
        return f"Observed / expected before scaling: {wording.PAYERS.get(line, wording.plain(line))}{_ages(ages)}"
    if code.startswith(NO_EFFECTS):
        return f"Without an effect of each provider: {code.removeprefix(NO_EFFECTS)}"
    if "*" in code:
        level, _, other = code.partition("*")
        return f"{term(level)}, {term(other)[0].lower()}{term(other)[1:]}"
    family, _, level = code.partition(":")
    if not level:
        return wording.plain(code)
    named = POOLED if level == "pooled" else TERM_LEVELS.get(family, {}).get(level, wording.plain(level))
    return f"{TERM_FAMILIES.get(family, wording.plain(family).capitalize())}: {named}"


def _ages(band: str) -> str:
    """65-74 as ", 65 to 74 years"; the last band is open."""
    low, _, high = band.partition("-")
    if not high:
        return ""
    return f", {low} years and over" if int(high) >= OLDEST else f", {low} to {high} years"


def estimate(code: str, value: float) -> str:
    """The figure beside a term: a coefficient, a number of cases, a yes, a ratio."""
    if code.startswith(NO_EFFECTS):
        return ""
    if code in ("events", "providers"):
        return f"{value:,.0f}"
    if code == "converged":
        return "yes" if value else "no"
    if code == "c_statistic" or code.startswith(CALIBRATION):
        return f"{value:.2f}"
    return f"{value:.4g}"
