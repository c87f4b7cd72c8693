"""401.707(a): every field that CMS asks of a measure is told, or the filing is refused by the field's name."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pikepdf
import pytest

from qe.errors import InputError, Refused
from qe.filings import write
from qe.filings.consultation import Consultation, read
from qe.filings.fields import FIELDS, Filing
from qe.filings.workbook import Row, workbook
from qe.ledger.book import EMPTY
from qe.ledger.fold import Facts
from qe.measurement import catalogue
from qe.measurement.measure import Module
from qe.release.routes import Here, routes
from qe.site import Settings

MODULES = {module.id: module for module in catalogue.catalogue()}
ON = date(2026, 3, 1)
SETTINGS = Settings.model_validate(
    {
        "site": {"name": "test"},
        "entity": {"organisation": "Example Quality", "contact": "x@example.org", "areas": ["Massachusetts"]},
        "periods": {"2025Q4": {"end": date(2025, 12, 31), "run_out_days": 90}},
        "sources": {"roster": {"kind": "roster", "path": "x"}},
        "linkage": {"passes": ["mbi"]},
        "peers": {"by": ["area"], "min_peers": 10},
        "scoring": {"fdr_q": 0.05, "confidence": 0.95, "achievable_share": 0.1},
        "disclosure": {"hide_small_from_provider": False},
    }
)
CONSULTATION = """
notice = "Letters to all practices of the area, and two public meetings."
supporting = "It shows what no standard measure shows."
opposing = "It is not risk-adjusted for frailty."
[evidence]
hwr = "More relevant: it holds all payers."
pdc_statins = "More relevant: it holds all payers."
""" + "".join(
    f'[[stakeholders]]\nname = "Speaker of the {kind}s"\nrole = "speaks for them"\nclass = "{kind}"\n'
    for kind in ("provider", "supplier", "payer", "employer", "consumer")
)


@pytest.fixture
def consultation(tmp_path: Path) -> Callable[[str], Consultation]:
    def write_and_read(text: str) -> Consultation:
        (tmp_path / "consultation.toml").write_text(text)
        return read(tmp_path / "consultation.toml")

    return write_and_read


def rows(*modules: Module, consulted: Consultation, settings: Settings = SETTINGS) -> tuple[Row, ...]:
    facts = Facts(on=ON, head=EMPTY, events=())
    filing = Filing(on=ON, attested_by="A. Officer", settings=settings, facts=facts, consultation=consulted)
    return workbook(modules, routes(modules, Here(on=ON, facts=facts)), filing)


def with_facts(module: Module, table: str | None, **changes: Any) -> Module:
    """The module with other facts, in one of its tables or beside them."""
    if table is None:
        return replace(module, facts=module.facts.model_copy(update=changes))
    changed = getattr(module.facts, table).model_copy(update=changes)
    return replace(module, facts=module.facts.model_copy(update={table: changed}))


def test_every_field_of_a_measure_is_told(consultation: Callable[[str], Consultation]) -> None:
    (row,) = rows(MODULES["hwr"], consulted=consultation(CONSULTATION))
    assert row.values["Standard or alternative"] == "alternative"
    assert row.values["CBE (NQF) number"].startswith("1789")
    assert row.values["Type of provider or supplier"] == "hospitals and other facilities"
    assert row.values["Measure type"] == "outcome"
    assert row.values["Geographic area"] == "Massachusetts"
    assert row.values["Previously reported"] == "no"
    assert row.values["Risk adjustment: attestation"].endswith("attested by A. Officer, 1 Mar 2026")
    assert re.findall(r"^R\d+", row.values["Numerator, denominator and exclusions"], re.M) == [
        f"R{number}" for number in range(1, 27)
    ]
    assert "at least 10%" in row.values["Benchmark"]
    assert "Speaker of the employers (employer, speaks for them)" in row.values["Alternative measure: stakeholders"]


BLANKS: list[tuple[str, str, Callable[[Module], Module]]] = [
    ("Developer or owner", "401.707(a)(2)", lambda one: with_facts(one, None, steward=" ")),
    ("Measure type", "401.707(a)(4)(ii)", lambda one: with_facts(one, None, measure_type=None)),
    ("Rationale for selection", "401.707(a)(4)", lambda one: with_facts(one, "rationale", selection=" ")),
    ("Relation to existing efforts", "401.707(a)(4)", lambda one: with_facts(one, "rationale", existing_efforts="")),
    ("Relevance to the area", "401.707(a)(4)", lambda one: with_facts(one, "rationale", area_relevance="")),
    ("Specification", "401.707(a)(3)", lambda one: with_facts(one, None, specification="")),
    ("Outliers: method and rationale", "401.707(a)(5)(ii)(C)", lambda one: with_facts(one, "scoring", outliers="")),
    (
        "Statistical validity and least sample",
        "401.707(a)(5)(ii)(B)",
        lambda one: with_facts(one, "scoring", interval=""),
    ),
    (
        "Risk adjustment: rationale",
        "401.707(a)(5)(iii)",
        lambda one: replace(one, method=one.method.replace("## 5. Risk adjustment and scoring", "## 5. Else")),
    ),
]


@pytest.mark.parametrize(("title", "citation", "blank"), BLANKS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_blank_field_refuses_the_filing_by_its_name_and_paragraph(
    consultation: Callable[[str], Consultation], title: str, citation: str, blank: Callable[[Module], Module]
) -> None:
    with pytest.raises(Refused) as refused:
        rows(blank(MODULES["hwr"]), consulted=consultation(CONSULTATION))
    (reason,) = refused.value.reasons
    assert reason.fact.startswith(f'hwr: "{title}" is blank (write it in ')
    assert reason.citation == f"42 CFR {citation}"


def test_a_blank_rationale_with_its_reason_is_no_blank(consultation: Callable[[str], Consultation]) -> None:
    module = with_facts(
        MODULES["hwr"], "rationale", existing_efforts="", not_applicable_reason="nobody else reports it"
    )
    (row,) = rows(module, consulted=consultation(CONSULTATION))
    assert row.values["Relation to existing efforts"] == "Not applicable: nobody else reports it"


def test_an_area_that_the_site_does_not_name_is_a_blank(consultation: Callable[[str], Consultation]) -> None:
    nowhere = SETTINGS.model_copy(update={"entity": SETTINGS.entity.model_copy(update={"areas": []})})
    with pytest.raises(Refused, match="1 field of the Measure Information Workbook") as refused:
        rows(MODULES["hwr"], consulted=consultation(CONSULTATION), settings=nowhere)
    assert "[entity] areas of qe.toml" in refused.value.reasons[0].fact


@pytest.mark.parametrize(
    ("cut", "title"),
    [
        ('notice = "Letters to all practices of the area, and two public meetings."', "notice to stakeholders"),
        ('opposing = "It is not risk-adjusted for frailty."', "arguments for and against"),
        ('hwr = "More relevant: it holds all payers."', "scientific evidence"),
        ('class = "consumer"', "stakeholders"),
    ],
)
def test_715_b_4_each_part_of_the_consultation_is_asked_for(
    consultation: Callable[[str], Consultation], cut: str, title: str
) -> None:
    text = CONSULTATION.replace(cut, 'class = "employer"' if cut.startswith("class") else "")
    with pytest.raises(Refused) as refused:
        rows(MODULES["hwr"], consulted=consultation(text))
    assert [reason.fact.partition(" is blank")[0] for reason in refused.value.reasons] == [
        f'hwr: "Alternative measure: {title}"'
    ]


def test_a_misspelt_key_of_the_consultation_is_told(consultation: Callable[[str], Consultation]) -> None:
    with pytest.raises(InputError, match="oposing"):
        consultation('oposing = "x"\n')


def test_all_blanks_of_all_measures_are_told_at_once() -> None:
    with pytest.raises(Refused) as refused:
        rows(MODULES["hwr"], MODULES["ed_avoidable"], consulted=Consultation())
    assert len(refused.value.reasons) == 3 * 4  # three measures, four parts of the consultation


def sheets(content: bytes) -> dict[str, list[list[str]]]:
    """The cells of each sheet, read from the file's own XML."""
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        strings = [
            "".join(item.itertext())
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).findall("x:si", space)
        ]
        names = [
            sheet.attrib["name"]
            for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iterfind("x:sheets/x:sheet", space)
        ]
        return {
            name: [
                [strings[int(cell.findtext("x:v", "0", space))] for cell in line.findall("x:c", space)]
                for line in ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml")).iterfind(
                    ".//x:row", space
                )
            ]
            for number, name in enumerate(names, start=1)
        }


def test_the_workbook_holds_a_row_a_measure_and_a_column_a_field(consultation: Callable[[str], Consultation]) -> None:
    filed = rows(MODULES["hwr"], MODULES["pdc_statins"], consulted=consultation(CONSULTATION))
    content = write.xlsx(filed, organisation="Example Quality", on=ON)
    found = sheets(content)
    assert list(found) == ["Measures", "List of all measures", "Fields"]
    assert found["Measures"][0] == ["Measure", *(field.title for field in FIELDS)]
    assert [line[0] for line in found["Measures"][1:]] == ["hwr", "pdc_statins"]
    assert found["Measures"][1][1:] == [filed[0].values[field.title] for field in FIELDS]
    assert [line[1] for line in found["Fields"][1:]] == [field.citation for field in FIELDS]
    assert content == write.xlsx(filed, organisation="Example Quality", on=ON)


def test_the_document_is_tagged_and_the_same_bytes_twice(consultation: Callable[[str], Consultation]) -> None:
    filed = rows(MODULES["pdc_statins"], consulted=consultation(CONSULTATION))
    told: dict[str, Any] = {"organisation": "Example Quality", "contact": "x@example.org", "rehearsal": False, "on": ON}
    content = write.pdf(filed, **told)
    assert content == write.pdf(filed, **told)
    with pikepdf.open(io.BytesIO(content)) as document:
        assert bool(document.Root.MarkInfo.Marked)
        assert str(document.docinfo["/Title"]) == "Measure Information Workbook"
