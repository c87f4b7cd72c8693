"""How terms of the model table begin that are no coefficient: what writes them and what words them share these."""

from typing import Final

CALIBRATION: Final = "calibration O/E before scaling, "  # and the payer line (and age) it is of
NO_EFFECTS: Final = "no effects of providers: "  # and why a model has none
