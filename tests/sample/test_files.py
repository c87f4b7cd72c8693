"""The written files, read back with plain Python."""

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.errors import InputError
from qe.sample.generate import generate

MEDICARE_CLAIMS = ("inpatient", "outpatient", "snf", "carrier", "dme")
HEADER_PAID = ("inpatient", "outpatient", "snf", "hospice")


def amount(text: str, *, implied: bool = False) -> Decimal:
    return Decimal(text) / 100 if implied else Decimal(text)


def counted(folder: Any, name: str) -> dict[str, object]:
    """Rows, claims and dollars of one file, counted from its text."""
    rows = folder.rows(name)
    payer, kind = name.split("/")[0], name.split("/")[-1].split(".")[0]
    spoiled = len(folder.malformed.get(name, ()))
    paid, claims = Decimal(0), len(rows)
    if payer == "medicare" and kind in HEADER_PAID:
        by_claim = {row["CLM_ID"]: amount(row["CLM_PMT_AMT"]) for row in rows}
        paid, claims = sum(by_claim.values(), Decimal(0)), len(by_claim)
    elif kind in ("carrier", "dme"):
        paid = sum((amount(row["LINE_NCH_PMT_AMT"]) for row in rows), Decimal(0))
        claims = len({row["CLM_ID"] for row in rows})
    elif kind == "pde":
        paid = sum((amount(row["TOT_RX_CST_AMT"]) for row in rows), Decimal(0))
    elif kind in ("medical", "pharmacy"):
        element = "CDLMC125" if kind == "medical" else "CDLPC037"
        number = "CDLMC005" if kind == "medical" else "CDLPC005"
        paid = sum((amount(row[element], implied=payer == "payer_b") for row in rows), Decimal(0))
        claims = len({row[number] for row in rows})
    elif kind == "eligibility":
        claims = 0
    return {"rows": len(rows) + spoiled, "malformed_rows": spoiled, "claims": claims, "paid_amount": f"{paid:.2f}"}


def test_totals_equal_an_independent_count_of_every_file(folder: Any, delivered: Any) -> None:
    for one in (folder, delivered):
        totals = json.loads((one.root / "truth" / "totals.json").read_text())["files"]
        assert {name: counted(one, name) for name in totals} == totals
    totals = json.loads((folder.root / "truth" / "totals.json").read_text())["files"]
    assert {"medicare/inpatient.csv", "medicare/pde.csv", "payer_a/medical.txt", "payer_b/pharmacy.txt"} <= set(totals)


def payer_claims(folder: Any, payer: str, kind: str) -> set[str]:
    """First numbers of a payer's claims that it did not deny, as a whole or line by line, and that are no late charges."""
    rows = [row for row in folder.rows(f"{payer}/medical.txt") if (row["CDLMC156"] == "1") == (kind == "professional")]
    left = {row["CDLMC005"] for row in rows if row["CDLMC158"] == "2"}
    denied = {row["CDLMC005"] for row in rows if row["CDLMC157"] == "4" or row["CDLMC005"] not in left}
    late = {row["CDLMC005"] for row in rows if row["CDLMC032"][-1:] == "5"}
    return {row["CDLMC005"][:14] for row in rows if row["CDLMC005"] not in denied | late}


def test_distinct_services_are_the_claims_of_all_files_counted_once(folder: Any) -> None:
    """Independent of the generator: each file's claims, less denials, versions, late charges and one of each listed pair."""
    found = Counter[str]()
    pairs = folder.truth("duplicates") + folder.truth("information_only")
    for kind, names in (
        ("professional", ("carrier", "dme")),
        ("facility", ("inpatient", "outpatient", "snf", "hospice")),
    ):
        claims: set[str] = set()
        for name in names:
            for row in (
                folder.rows(f"medicare/{name}.csv") if (folder.root / f"inbox/medicare/{name}.csv").exists() else ()
            ):
                denied = row.get("CARR_CLM_PMT_DNL_CD") in ("0", "D", "P") or row.get("CLM_MDCR_NON_PMT_RSN_CD") == "N"
                denied = denied or row.get("LINE_PRCSG_IND_CD", "A") in (
                    "C",
                    "D",
                    "N",
                    "M",
                    "O",
                )  # a claim with one left counts
                if not denied and row.get("CLM_FREQ_CD") != "5":
                    claims.add(row["CLM_ID"])
        own = {payer: payer_claims(folder, payer, kind) for payer in ("payer_a", "payer_b")}
        twice = [
            row for row in pairs
            if row["medicare_claim"] in claims and row["payer_claim"] in own[f"payer_{row['payer']}"]
        ]  # fmt: skip
        found[kind] = len(claims) + sum(map(len, own.values())) - len(twice)
    stated = json.loads((folder.root / "truth" / "totals.json").read_text())["distinct_services"]
    assert found["professional"] == stated["professional"] + stated["dme"]
    assert found["facility"] == sum(stated.get(kind, 0) for kind in ("inpatient", "outpatient", "snf", "hospice"))


def cents(text: str, *, implied: bool = False) -> int:
    return int(amount(text, implied=implied) * 100)


def test_services_state_each_claim_of_each_file_as_it_stands_in_the_end(folder: Any) -> None:
    """Numbers and dollars against the files: Medicare's by header or lines, the payers' by the version sent last."""
    stated = {(row["source"], row["claim"]): row for row in folder.truth("services")}
    assert len(stated) == len(folder.truth("services"))
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for name in ("outpatient", "snf", "hospice"):
        if (folder.root / f"inbox/medicare/{name}.csv").exists():
            for row in folder.rows(f"medicare/{name}.csv"):
                found["medicare", row["CLM_ID"]] = (0, cents(row["CLM_PMT_AMT"]))
    for row in folder.rows("medicare/inpatient.csv"):
        beside = cents(row["CLM_PASS_THRU_PER_DIEM_AMT"]) * int(row["CLM_UTLZTN_DAY_CNT"])
        names = ("CLM_PMT_AMT", "NCH_BENE_IP_DDCTBL_AMT", "NCH_BENE_PTA_COINSRNC_LBLTY_AM", "NCH_PRMRY_PYR_CLM_PD_AMT")
        allowed = beside + sum(cents(row[name]) for name in names)
        found["medicare", row["CLM_ID"]] = (allowed, cents(row["CLM_PMT_AMT"]))
    lines: Counter[tuple[str, str, str]] = Counter()
    for name in ("carrier", "dme"):
        for row in folder.rows(f"medicare/{name}.csv"):
            lines["medicare", row["CLM_ID"], "allowed"] += cents(row["LINE_ALOWD_CHRG_AMT"])
            lines["medicare", row["CLM_ID"], "paid"] += cents(row["LINE_NCH_PMT_AMT"])
    for payer in ("payer_a", "payer_b"):
        rows = folder.rows(f"{payer}/medical.txt")
        gone = {row["CDLMC008"] for row in rows if row["CDLMC157"] == "22" and row["CDLMC008"] != row["CDLMC005"]}
        last: dict[str, int] = {}
        for row in rows:
            last[row["CDLMC005"]] = max(last.get(row["CDLMC005"], 0), int(row["CDLMC007"]))
        for row in rows:
            number = row["CDLMC005"]
            if number in gone or row["CDLMC157"] == "22" or int(row["CDLMC007"]) < last[number]:
                continue
            for element, kind in (("CDLMC131", "allowed"), ("CDLMC125", "paid")):
                lines[payer, number, kind] += cents(row[element], implied=payer == "payer_b")
        voided = {row["CDLPC005"] for row in folder.rows(f"{payer}/pharmacy.txt") if row["CDLPC066"] == "V"}
        for row in folder.rows(f"{payer}/pharmacy.txt"):
            if row["CDLPC005"] not in voided:
                both = (cents(row[element], implied=payer == "payer_b") for element in ("CDLPC038", "CDLPC037"))
                found[payer, row["CDLPC005"]] = (next(both), next(both))
    for row in folder.rows("medicare/pde.csv"):
        if row["ADJSTMT_DLTN_CD"] != "D":
            found["medicare", row["PDE_ID"]] = (cents(row["TOT_RX_CST_AMT"]), cents(row["CVRD_D_PLAN_PD_AMT"]))
    found |= {
        (source, claim): (lines[source, claim, "allowed"], lines[source, claim, "paid"]) for source, claim, _ in lines
    }
    kept = {key: row for key, row in stated.items() if row["outcome"] != "reversed"}
    assert kept.keys() == found.keys()
    no_allowed = ("outpatient", "snf", "hospice")  # their allowed amount stands in several columns
    differing = [
        key for key, row in kept.items()
        if cents(row["paid"]) != found[key][1] or (row["kind"] not in no_allowed and cents(row["allowed"]) != found[key][0])
    ]  # fmt: skip
    assert differing == []
    kinds = {
        row["service"]: row["kind"]
        for row in kept.values()
        if row["outcome"] != "denied" and row["is_late_charge"] == "0"
    }
    totals = json.loads((folder.root / "truth" / "totals.json").read_text())["distinct_services"]
    assert Counter(kind for kind in kinds.values() if kind != "pharmacy") == totals
    assert {row["outcome"] for row in stated.values()} >= {
        "paid",
        "denied",
        "cost_avoided",
        "information_only",
        "reversed",
    }


def test_copies_of_one_service_are_the_listed_pairs(folder: Any) -> None:
    numbers: dict[str, dict[str, str]] = {}
    for row in folder.truth("services"):
        numbers.setdefault(row["service"], {})[row["source"]] = row["claim"].removesuffix("N")
    pairs = {(row["medicare"], row["payer_a"]) for row in numbers.values() if {"medicare", "payer_a"} <= row.keys()}
    assert pairs == {(row["medicare_claim"], row["payer_claim"]) for row in folder.truth("duplicates")}
    plans = {(row["medicare"], row["payer_b"]) for row in numbers.values() if {"medicare", "payer_b"} <= row.keys()}
    assert plans == {(row["medicare_claim"], row["payer_claim"]) for row in folder.truth("information_only")}


def test_services_are_stated_only_when_asked_for(delivered: Any) -> None:
    assert not (delivered.root / "truth" / "services.csv").exists()


def test_person_months_are_those_of_the_coverage(folder: Any) -> None:
    def month(text: str) -> int:
        year, of_year = text.split("-")
        return 12 * int(year) + int(of_year)

    found = Counter[str]()
    for row in folder.truth("coverage"):
        found[row["primary"]] += month(row["to_month"]) - month(row["from_month"]) + 1
    assert json.loads((folder.root / "truth" / "totals.json").read_text())["person_months"] == dict(found)
    at_b = {"advantage_b", "commercial_b", "medicaid"}
    assert len(folder.rows("payer_b/eligibility.txt")) == sum(found[segment] for segment in at_b)


def test_late_charges_follow_an_outpatient_claim_and_are_listed(folder: Any) -> None:
    listed = {(row["source"], row["record"]) for row in folder.truth("dirt") if row["kind"] == "late_charge"}
    rows = folder.rows("medicare/outpatient.csv")
    first = {(row["BENE_ID"], row["PRVDR_NUM"], row["CLM_FROM_DT"]) for row in rows if row["CLM_FREQ_CD"] == "1"}
    late = [row for row in rows if row["CLM_FREQ_CD"] == "5"]
    assert {(row["BENE_ID"], row["PRVDR_NUM"], row["CLM_FROM_DT"]) for row in late} <= first
    found = {("medicare", row["CLM_ID"]) for row in late}
    for payer in ("payer_a", "payer_b"):
        found |= {
            (payer, row["CDLMC005"]) for row in folder.rows(f"{payer}/medical.txt") if row["CDLMC032"][-1:] == "5"
        }
    assert found == listed
    assert len(late) > 20


def test_a_trailer_that_is_off_by_one_stands_in_a_source_of_its_own(tmp_path: Path) -> None:
    generate(tmp_path, persons=100, seed=1, settings={"hospitals": "2", "dirt.trailer_off_by_one": "1"})
    _, _, *rows, trailer = (tmp_path / "inbox/payer_x/eligibility.txt").read_text().split("\n")[:-1]
    assert int(trailer.split("|")[-1]) == len(rows) + 1
    assert "trailer_off_by_one,payer_x/eligibility.txt,1," in (tmp_path / "truth/dirt.csv").read_text()


def test_a_wrong_trailer_is_refused_where_payer_b_may_cover_nobody(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="trailer_off_by_one asks for at least 100 persons"):
        generate(tmp_path, persons=3, seed=1, settings={"hospitals": "2", "dirt.trailer_off_by_one": "1"})
    assert not list(tmp_path.iterdir())


def test_trailers_count_their_rows(folder: Any) -> None:
    for payer in ("payer_a", "payer_b"):
        for kind, code in (("eligibility", "ME"), ("medical", "MC"), ("pharmacy", "PC")):
            lines = folder.lines(f"{payer}/{kind}.txt")
            assert lines[0].split("|")[:5] == ["HD", f"SUB{payer[-1].upper()}", f"PAY{payer[-1].upper()}",
                                               f"Plan {payer[-1].upper()}", code]  # fmt: skip
            assert lines[-1].startswith("TR|")
            assert int(lines[-1].split("|")[-1]) == len(lines) - 3  # HD, header, TR


def test_files_have_the_official_widths(folder: Any) -> None:
    widths = {"medicare/mbsf_abcd_2025.csv": 185, "medicare/carrier.csv": 95, "medicare/inpatient.csv": 270,
              "payer_a/eligibility.txt": 79, "payer_a/medical.txt": 164, "payer_b/pharmacy.txt": 72}  # fmt: skip
    assert {name: len(folder.header(name)) for name in widths} == widths


def test_twenty_five_rows_of_ten_kinds_are_malformed_and_listed_with_their_lines(folder: Any) -> None:
    dirt = [row for row in folder.truth("dirt") if row["kind"].startswith("malformed")]
    assert len(dirt) == 25
    assert len({row["kind"] for row in dirt}) == 10
    for row in dirt:
        name, kind = row["source"], row["kind"].removeprefix("malformed_")
        data = (folder.root / "inbox" / name).read_bytes().split(b"\n")[int(row["record"]) - 1]
        header = folder.header(name)
        fields = data.decode("utf-8", errors="replace").split("|")
        width = {"too_few_columns": len(header) - 7, "too_many_columns": len(header) + 3}.get(kind, len(header))
        assert len(fields) == width
        expected = {
            "impossible_date": ("31-Feb-2025", "20250231"),
            "date_in_words": ("yesterday",),
            "amount_in_words": ("twelve",),
            "no_person": ("",),
            "no_claim_number": ("",),
            "line_number_in_words": ("first",),
        }
        if kind in expected:
            assert fields[header.index(row["detail"])] in expected[kind]
        assert (b"\x00" in data) == (kind == "nul_byte")
        assert (b"\xff" in data) == (kind == "not_utf8")


def test_no_clean_row_has_another_number_of_columns(folder: Any) -> None:
    for name in json.loads((folder.root / "truth" / "totals.json").read_text())["files"]:
        folder.rows(name)  # zip(strict=True) over every row that is not listed as malformed


def test_denials_and_versions_in_the_files_are_those_listed(folder: Any) -> None:
    dirt = folder.truth("dirt")

    def listed(kind: str, source: str) -> Counter[str]:
        return Counter(row["record"] for row in dirt if row["kind"] == kind and row["source"] == source)

    carrier = folder.rows("medicare/carrier.csv")
    denied = {row["CLM_ID"] for row in carrier if row["CARR_CLM_PMT_DNL_CD"] in ("0", "D", "P")}
    denied |= {
        row["CLM_ID"] for row in folder.rows("medicare/dme.csv") if row["CARR_CLM_PMT_DNL_CD"] in ("0", "D", "P")
    }
    for name in ("inpatient", "outpatient", "snf"):
        rows = folder.rows(f"medicare/{name}.csv")
        denied |= {row["CLM_ID"] for row in rows if row["CLM_MDCR_NON_PMT_RSN_CD"] == "N"}
    assert denied - denied_line_by_line(folder) == set(listed("denied_claim", "medicare"))
    for payer in ("payer_a", "payer_b"):
        rows = folder.rows(f"{payer}/medical.txt")
        refused = {row["CDLMC005"] for row in rows if row["CDLMC157"] == "4"}
        assert refused == set(listed("denied_claim", payer))
        reversed_claims = {row["CDLMC008"] for row in rows if row["CDLMC157"] == "22"}
        assert reversed_claims == set(listed("reversed_and_replaced", payer))
        voided = {row["CDLPC005"] for row in folder.rows(f"{payer}/pharmacy.txt") if row["CDLPC066"] == "V"}
        assert voided == set(listed("reversed_fill", payer))
        lines = {
            (row["CDLMC005"], row["CDLMC006"]) for row in rows if row["CDLMC158"] == "1" and row["CDLMC007"] == "0"
        }
        lines -= {(claim, line) for claim, line in lines if claim in refused}
        named = {
            (row["record"], row["detail"]) for row in dirt if row["kind"] == "denied_line" and row["source"] == payer
        }
        assert {pair for pair in named if pair[0] not in refused} == lines


def is_not_covered(row: Any) -> bool:
    """A revenue line of an outpatient claim all of whose charges are not covered, and nothing is paid."""
    charge, not_covered = (Decimal(row[name]) for name in ("REV_CNTR_TOT_CHRG_AMT", "REV_CNTR_NCVRD_CHRG_AMT"))
    amounts = ("REV_CNTR_PMT_AMT_AMT", "REV_CNTR_COINSRNC_WGE_ADJSTD_C", "REV_CNTR_CASH_DDCTBL_AMT")
    return not_covered == charge > 0 and all(Decimal(row[name]) == 0 for name in amounts)


def denied_line_by_line(folder: Any) -> set[str]:
    """Medicare's outpatient claims with every line listed as denied, and no denial of the whole listed."""
    lines: dict[str, set[str]] = {}
    for row in folder.rows("medicare/outpatient.csv"):
        lines.setdefault(row["CLM_ID"], set()).add(row["CLM_LINE_NUM"])
    dirt = [row for row in folder.truth("dirt") if row["source"] == "medicare"]
    whole = {row["record"] for row in dirt if row["kind"] == "denied_claim"}
    for row in dirt:
        if row["kind"] == "denied_line":
            lines.get(row["record"], set()).discard(row["detail"])
    return {claim for claim, left in lines.items() if not left} - whole


def test_denied_lines_of_outpatient_claims_are_wholly_not_covered_and_listed(folder: Any) -> None:
    rows = folder.rows("medicare/outpatient.csv")
    whole = {row["record"] for row in folder.truth("dirt") if row["kind"] == "denied_claim"}
    listed = {
        (row["record"], row["detail"])
        for row in folder.truth("dirt")
        if row["kind"] == "denied_line" and row["source"] == "medicare"
    }
    found = {(row["CLM_ID"], row["CLM_LINE_NUM"]) for row in rows if is_not_covered(row) and row["CLM_ID"] not in whole}
    written = {row["CLM_ID"] for row in rows} - whole
    assert found == {pair for pair in listed if pair[0] in written}
    by_line = denied_line_by_line(folder)
    assert by_line < {row["CLM_ID"] for row in rows if row["CLM_MDCR_NON_PMT_RSN_CD"] == "N"}
    partly = {claim for claim, _ in found} - by_line
    assert len(partly) > 10
    for row in rows:
        if row["CLM_ID"] in partly:  # the others pay what is left of the claim
            assert row["CLM_MDCR_NON_PMT_RSN_CD"] == ""
            assert Decimal(row["CLM_PMT_AMT"]) > 0


def test_a_stay_with_a_denied_line_is_paid_in_full_by_its_other_lines(folder: Any) -> None:
    """At the payers: allowed over charged is the same for all stays of one product and hospital, as the case has its price."""
    stays: dict[tuple[str, str], list[Any]] = {}
    for payer in ("payer_a", "payer_b"):
        for row in folder.rows(f"{payer}/medical.txt"):
            if row["CDLMC032"][:2] == "11" and row["CDLMC007"] == "0" and row["CDLMC157"] == "1":
                stays.setdefault((payer, row["CDLMC005"]), []).append(row)
    whole: dict[tuple[str, str], set[Decimal]] = {}
    partly: dict[tuple[str, str], set[Decimal]] = {}
    for lines in stays.values():
        denied = [row for row in lines if row["CDLMC158"] == "1"]
        assert all(Decimal(row["CDLMC131"]) == 0 for row in denied)
        if len(denied) < len(lines):
            allowed, charged = (
                sum((Decimal(row[element]) for row in lines), Decimal(0)) for element in ("CDLMC131", "CDLMC123")
            )
            of = (lines[0]["CDLMC004"], lines[0]["CDLMC150"])
            (partly if denied else whole).setdefault(of, set()).add(round(allowed / charged, 3))
    both = partly.keys() & whole.keys()
    assert len(both) > 3
    assert {of: partly[of] for of in both} == {of: whole[of] for of in both}


def test_a_reversal_takes_back_exactly_what_the_first_version_paid(folder: Any) -> None:
    rows = folder.rows("payer_b/medical.txt")
    first = {(row["CDLMC005"], row["CDLMC006"]): int(row["CDLMC125"]) for row in rows if row["CDLMC160"] == "O"}
    back = [row for row in rows if row["CDLMC157"] == "22"]
    assert back
    assert all(-int(row["CDLMC125"]) in (paid := first[row["CDLMC008"], row["CDLMC006"]], paid + 1) for row in back)


def test_names_and_mbis_stand_in_the_crosswalk_alone_of_medicares_files(folder: Any) -> None:
    crosswalk = folder.rows("medicare/crosswalk.csv")
    secrets = {row["BENE_MBI_ID"] for row in crosswalk} | {row["BENE_LAST_NAME"] for row in crosswalk}
    for name in (*MEDICARE_CLAIMS, "pde", "mbsf_abcd_2025"):
        words = set(re.split(r"[|\n]", "\n".join(folder.lines(f"medicare/{name}.csv"))))
        assert not words & secrets
    assert all(re.fullmatch(r"[A-Za-z]{15}", row["BENE_ID"]) for row in crosswalk)
    assert all(re.fullmatch(r"[1-9]S\w\d[A-Z]\w\d[A-Z]{2}\d{2}", row["BENE_MBI_ID"]) for row in crosswalk)


def test_medicare_names_hospitals_by_ccn_and_the_payers_by_npi_and_tin_alone(folder: Any) -> None:
    ccns = {row["PRVDR_NUM"] for row in folder.rows("medicare/inpatient.csv")}
    assert ccns and all(re.fullmatch(r"99[0-9ST]\d{3}", ccn) for ccn in ccns)
    for payer in ("payer_a", "payer_b"):
        rows = folder.rows(f"{payer}/medical.txt")
        assert not ccns & {field for row in rows for field in row.values()}
        assert all(re.fullmatch(r"00\d{7}", row["CDLMC150"]) for row in rows)


def luhn(npi: str) -> bool:
    digits = [int(digit) for digit in "80840" + npi]
    return sum(d if place % 2 == 0 else sum(divmod(2 * d, 10)) for place, d in enumerate(reversed(digits))) % 10 == 0


def test_every_npi_is_invented_and_passes_the_check_digit(folder: Any) -> None:
    assert luhn("1234567893")  # the example of the standard
    found = {row["PRF_PHYSN_NPI"] for row in folder.rows("medicare/carrier.csv")}
    found |= {row["ORG_NPI_NUM"] for row in folder.rows("medicare/inpatient.csv")}
    found |= {row["CDLPC057"] for row in folder.rows("payer_a/pharmacy.txt")}
    assert all(npi.startswith(("99999", "88888", "88889")) and luhn(npi) for npi in found)


def test_payers_write_in_their_own_habits(folder: Any) -> None:
    a, b = folder.rows("payer_a/medical.txt"), folder.rows("payer_b/medical.txt")
    assert all("." in row["CDLMC125"] for row in a)
    assert not any("." in row["CDLMC125"] for row in b)
    assert not any("." in row["CDLMC037"] for row in a)
    assert all("." in row["CDLMC037"] for row in b if len(row["CDLMC037"]) > 3)
    assert all(len(row["CDLMC022"]) == 3 for row in a)  # 00110 without its zeros
    assert all(len(row["CDLMC022"]) == 5 for row in b)
    assert (folder.root / "inbox/medicare/carrier.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_duplicate_is_one_service_with_medicares_allowed_amount(folder: Any) -> None:
    carrier: dict[str, list[Any]] = {}
    for row in folder.rows("medicare/carrier.csv"):
        carrier.setdefault(row["CLM_ID"], []).append(
            (row["HCPCS_CD"], row["PRF_PHYSN_NPI"], row["LINE_ALOWD_CHRG_AMT"])
        )
    copies: dict[str, list[Any]] = {}
    for row in folder.rows("payer_a/medical.txt"):
        copies.setdefault(row["CDLMC005"], []).append((row["CDLMC088"], row["CDLMC135"], row["CDLMC131"]))
    pairs = [row for row in folder.truth("duplicates") if row["medicare_claim"] in carrier]
    supplement = [row for row in pairs if row["first_payer"] == "medicare"]
    assert len(supplement) > 50
    assert all(carrier[row["medicare_claim"]] == copies[row["payer_claim"]] for row in supplement)


def test_line_payments_add_up_to_the_claim_in_carrier_files(folder: Any) -> None:
    paid: Counter[str] = Counter()
    header = {}
    for row in folder.rows("medicare/carrier.csv"):
        paid[row["CLM_ID"]] += int(Decimal(row["LINE_NCH_PMT_AMT"]) * 100)
        header[row["CLM_ID"]] = int(Decimal(row["CLM_PMT_AMT"]) * 100)
    assert dict(paid) == header


def test_exact_ties_are_ties_in_the_file(folder: Any) -> None:
    bene = {row["person"]: row["bene_id"] for row in folder.truth("persons") if row["tie"] == "exact"}
    if not bene:
        pytest.skip("no tie among so few persons")
    allowed: dict[str, Counter[str]] = {}
    for row in folder.rows("medicare/carrier.csv"):
        if row["BENE_ID"] in bene.values() and row["HCPCS_CD"] == "99213":
            allowed.setdefault(row["BENE_ID"], Counter())[row["TAX_NUM"]] += int(
                Decimal(row["LINE_ALOWD_CHRG_AMT"]) * 100
            )
    assert all(len(set(by_tin.values())) == 1 and len(by_tin) == 2 for by_tin in allowed.values())


def test_stays_in_the_inpatient_file_are_those_of_the_truth(folder: Any) -> None:
    truth = {row["bene_id"]: row["person"] for row in folder.truth("persons")}
    true = {(row["person"], row["hospital_ccn"], row["admit_date"]) for row in folder.truth("stays")}
    months = {name: f"{place:02d}" for place, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1)}  # fmt: skip
    case = "same_hospital_same_day_same_diagnosis"  # the second bill of this stay has an admission date of its own
    (goes_on,) = {row["person"] for row in folder.truth("edge_cases") if row["case"] == case}
    seen = set()
    for row in folder.rows("medicare/inpatient.csv"):
        day, month, year = row["CLM_ADMSN_DT"].split("-")
        if row["CLM_DRG_CD"] != "945" and row["BENE_ID"] in truth:
            seen.add((truth[row["BENE_ID"]], row["PRVDR_NUM"], f"{year}-{months[month]}-{day}"))
    assert len(seen) > 50
    assert {(stay[0], stay[2][-6:]) for stay in seen - true} == {(goes_on, "-11-05")}


def test_the_roster_holds_every_identifier_of_the_claims(folder: Any) -> None:
    header = folder.header("roster/roster.csv")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in folder.lines("roster/roster.csv")[1:]]
    npis, tins = {row["npi"] for row in rows}, {row["tin"] for row in rows}
    ccns = {row["ccn"] for row in rows}
    carrier = folder.rows("medicare/carrier.csv")
    assert {row["PRF_PHYSN_NPI"] for row in carrier} <= npis
    assert {row["TAX_NUM"] for row in carrier} <= tins
    assert {row["PRVDR_NUM"] for row in folder.rows("medicare/outpatient.csv")} <= ccns
    medical = folder.rows("payer_b/medical.txt")
    assert {row["CDLMC148"] for row in medical} <= npis
    assert {row["CDLMC150"] for row in medical} <= tins


def test_two_contacts_have_no_usable_channel(folder: Any) -> None:
    rows = [line.split(",") for line in folder.lines("contacts/contacts.csv")[1:]]
    assert sum(row[3] == "" for row in rows) == 2
