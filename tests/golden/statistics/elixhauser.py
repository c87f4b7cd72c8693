"""Makes elixhauser.csv: comorbidities of 300 random sets of diagnoses by the package elixhauser-ahrq (MIT).

Python 3.11, elixhauser-ahrq 2026.1.3 (AHRQ v2026.1), pandas 3.1.1, openpyxl. Run from this folder, where the package is:
    python elixhauser.py
The tests read the CSV alone.
"""

import csv
import random
from pathlib import Path

from elixhauser_ahrq import ElixhauserMapper

mapper = ElixhauserMapper()
codes = sorted(mapper.lookup)
draw = random.Random(2026)
with (Path(__file__).parent / "elixhauser.csv").open("w", newline="", encoding="utf-8") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("event", "codes", "marks", "comorbidities"))
    for event in range(300):
        held = [draw.choice(codes) for _ in range(draw.randint(1, 12))]
        marks = [draw.choice("YYYYWNU1") for _ in held]
        found = mapper.map_patient_diagnoses(["Z0000", *held], ["Y", *marks])  # the first is the principal diagnosis
        names = " ".join(sorted(name for name, is_there in found.items() if is_there))
        writer.writerow((event, " ".join(held), "".join(marks), names))
