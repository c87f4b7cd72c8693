"""Malformed files: each gives one clear finding, or its rows are quarantined, and every row is accounted for."""

import gzip
import io
import tracemalloc
from pathlib import Path
from typing import Any

import pyrage
import pytest
import pyzipper

from qe.errors import Findings, InputError, QeError
from qe.sources.stream import Secrets

CLAIM = "C-SECRET-77"


def refused(site: Any, secrets: Secrets | None = None) -> QeError:
    """The one error that receiving raises; nothing is left half-written and no value is told."""
    with pytest.raises((Findings, InputError)) as told:
        site.receive(secrets)
    assert "C-SECRET" not in str(told.value)
    assert not list(site.root.rglob(".building/*"))
    return told.value


def codes(error: QeError) -> list[str]:
    return [fault.code for fault in error.faults]


@pytest.fixture
def payer(small_site: Any) -> Path:
    return small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")  # type: ignore[no-any-return]


def quarantined(site: Any, expected_read: int) -> list[Any]:
    """(row_number, rule, column_name) of the one received file, conservation checked."""
    (one,) = site.receive()
    found = site.rows(one.database, "select row_number, rule, column_name from quarantined_row order by all")
    accepted = site.rows(one.database, "select count(*) from staged_row")[0][0]
    assert (one.rows_read, one.rows_accepted) == (expected_read, accepted)
    assert one.rows_accepted + one.rows_quarantined == one.rows_read
    assert one.rows_quarantined == len({row[0] for row in found})
    return list(found)


def test_a_truncated_gzip_file_is_told_as_such(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    whole = gzip.compress((cdl_medical({"005": CLAIM}) * 3000).encode(), mtime=0)
    (payer / "mc.txt.gz").write_bytes(whole[: len(whole) // 2])
    error = refused(small_site)
    assert codes(error) == ["truncated-gzip"]
    assert error.exit_code == 1


def test_a_gzip_file_cut_just_before_its_check_sum_is_told_as_such(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    (payer / "mc.txt.gz").write_bytes(gzip.compress(cdl_medical({}).encode(), mtime=0)[:-4])
    assert codes(refused(small_site)) == ["truncated-gzip"]


def test_a_gzip_file_with_a_flipped_check_sum_is_damaged(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    whole = bytearray(gzip.compress(cdl_medical({}).encode(), mtime=0))
    whole[-6] ^= 0xFF
    (payer / "mc.txt.gz").write_bytes(bytes(whole))
    assert codes(refused(small_site)) == ["damaged-container"]


def test_another_delimiter_is_named_with_the_setting_that_reads_it(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}, head=False).replace("|", ","))
    error = refused(small_site)
    assert codes(error) == ["wrong-delimiter"]
    assert "commas" in str(error)
    assert 'delimiter = ","' in str(error)


def test_a_missing_required_column_is_named(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}).replace("CDLMC157", "STATUS"))
    error = refused(small_site)
    assert codes(error) == ["missing-column"]
    assert "cdl_medical it lacks CDLMC157" in str(error)


def test_a_column_that_stands_twice_in_the_header_is_refused(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}).replace("CDLMC024", "CDLMC131"))
    error = refused(small_site)
    assert codes(error) == ["duplicate-column"]
    assert error.faults[0].place == "places 5, 10"


@pytest.mark.parametrize("stated", [1, 3])
def test_a_trailer_off_by_one_stops_the_run(small_site: Any, payer: Path, cdl_medical: Any, stated: int) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}, {"006": "2"}, trailer=stated))
    error = refused(small_site)
    assert codes(error) == ["trailer-count"]
    assert f"states {stated} rows and it holds 2" in str(error)


def test_a_trailer_off_by_one_is_accepted_where_the_settings_name_the_file(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    small_site.sources["payer"]["accept_unreconciled"] = ["mc.txt"]
    (payer / "mc.txt").write_text(cdl_medical({}, {"006": "2"}, trailer=3))
    (one,) = small_site.receive()
    assert (one.status, one.rows_read, one.expected_rows) == ("accepted_unreconciled", 2, 3)


def test_a_file_without_its_trailer_may_be_cut_short(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}, foot=False))
    assert codes(refused(small_site)) == ["no-trailer"]


def test_a_file_without_its_first_record_is_told(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}, head=False))
    assert codes(refused(small_site)) == ["no-first-record"]


def test_a_first_record_of_another_type_is_told(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}).replace("Payer|MC|202401", "Payer|PC|202401"))
    assert codes(refused(small_site)) == ["wrong-type"]


def test_bad_dates_and_numbers_are_quarantined_with_row_rule_and_column(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    (payer / "mc.txt").write_text(
        cdl_medical({}, {"119": "20240230"}, {"125": "12,5O"}, {"119": "spring", "131": "1.005"}, {"006": "1.5"})
    )
    assert quarantined(small_site, 5) == [
        (4, "bad-date", "CDLMC119"),
        (5, "bad-number", "CDLMC125"),
        (6, "bad-date", "CDLMC119"),
        (6, "bad-number", "CDLMC131"),
        (7, "bad-number", "CDLMC006"),
    ]


def test_a_blank_key_is_quarantined(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_text(cdl_medical({}, {"005": " "}, {"161": ""}))
    assert quarantined(small_site, 3) == [(4, "missing-value", "CDLMC005"), (5, "missing-value", "CDLMC161")]


def test_rows_with_too_few_or_too_many_cells_are_quarantined(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    fit, short, long, open_end = cdl_medical({}, {}, {}, {}).splitlines()[2:6]
    rows = [fit, short.rsplit("|", 1)[0], long + "|surplus", open_end + "||"]
    text = cdl_medical(*[{}] * 4).splitlines()
    (payer / "mc.txt").write_text("\n".join(text[:2] + rows + text[6:]) + "\n")
    assert quarantined(small_site, 4) == [(4, "wrong-column-count", None), (5, "wrong-column-count", None)]


def test_a_nul_and_a_wrong_byte_each_cost_their_row_alone(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    text = cdl_medical({}, {"088": "NUL"}, {"088": "BAD"}, {"005": "Ñandú"}).encode()
    (payer / "mc.txt").write_bytes(text.replace(b"NUL", b"9\x0012").replace(b"BAD", b"9\xff12"))
    assert quarantined(small_site, 4) == [(4, "nul-byte", None), (5, "not-utf8", None)]


def test_the_raw_row_is_kept_under_the_vault_key_alone(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_bytes(cdl_medical({}, {"005": CLAIM, "088": "NUL"}).encode().replace(b"NUL", b"\0"))
    (one,) = small_site.receive()
    assert small_site.rows(one.database, "select raw from quarantined_row") == [(None,)]
    ((raw,),) = small_site.rows(one.vault_database, "select raw from quarantined_row", vault=True)
    assert CLAIM in raw
    assert "\\x00" in raw
    for file in small_site.root.joinpath("store").rglob("*"):
        assert not file.is_file() or CLAIM.encode() not in file.read_bytes()


def test_blank_lines_inside_are_rows_and_those_at_the_end_are_none(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    lines = cdl_medical({}, {}, trailer=3).splitlines()
    lines.insert(3, "")
    (payer / "mc.txt").write_text("\r\n".join(lines) + "\r\n\r\n\r\n")
    assert quarantined(small_site, 3) == [(4, "blank-line", None)]


def test_a_line_of_300_mb_in_a_gzip_file_is_refused_before_64_mb_are_held(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    start = gzip.compress("\n".join(cdl_medical({}).splitlines()[:3]).encode() + b"\n", mtime=0)
    megabyte = gzip.compress(b"x" * 1_000_000, mtime=0)
    (payer / "mc.txt.gz").write_bytes(start + megabyte * 300)  # members of a gzip file follow one another
    tracemalloc.start()
    try:
        error = refused(small_site)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert codes(error) == ["line-too-long"]
    assert error.faults[0].place == "line 4"
    assert peak < 64_000_000


def test_a_file_of_another_period_is_told(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    old = {"119": "20190215", "120": "20190215"}
    (payer / "mc.txt").write_text(cdl_medical(old, old, {}))
    error = refused(small_site)
    assert codes(error) == ["wrong-period"]
    assert "2 of 3 rows lie outside 2024-01-01 to 2025-12-31" in str(error)


def test_one_old_row_in_two_is_no_wrong_period(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_text(cdl_medical({"119": "20190215"}, {}))
    assert quarantined(small_site, 2) == []


def test_the_same_bytes_twice_in_a_source_are_told_with_both_names(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    for name in ("a.txt", "b.txt"):
        (payer / name).write_text(cdl_medical({}))
    error = refused(small_site)
    assert codes(error) == ["same-file-twice"]
    assert "b.txt: holds the same bytes as a.txt" in str(error)


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_told(small_site: Any, payer: Path, content: bytes) -> None:
    (payer / "mc.txt").write_bytes(content)
    assert codes(refused(small_site)) == ["empty-file"]


def test_a_header_without_rows_is_told_unless_its_trailer_states_none(small_site: Any, cdl_medical: Any) -> None:
    medicare = small_site.add_source("medicare", kind="ccw-rif")
    (medicare / "pde.txt").write_text("PDE_ID|BENE_ID|SRVC_DT|PROD_SRVC_ID|DAYS_SUPLY_NUM\n")
    payer = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")
    (payer / "mc.txt").write_text(cdl_medical())
    error = refused(small_site)
    assert codes(error) == ["no-rows"]
    assert error.faults[0].file == "pde.txt"


def test_a_header_that_fits_no_type_and_one_missing_are_told(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "notes.txt").write_text("what|is|this\n1|2|3\n")
    (payer / "rows.txt").write_text("\n".join(cdl_medical({"005": CLAIM}).splitlines()[2:3]) + "\n")
    assert codes(refused(small_site)) == ["no-header", "no-header"]


def test_a_header_that_fits_two_types_is_told_with_both(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    header = cdl_medical({}).splitlines()[1]
    both = f"{header}|" + "|".join(f"CDLPC{number}" for number in ("002", "005", "023", "025", "033", "068"))
    (payer / "both.txt").write_text(both + "\n")
    error = refused(small_site)
    assert codes(error) == ["two-layouts"]
    assert "cdl_medical, cdl_pharmacy" in str(error)


def test_a_file_in_a_source_of_another_kind_is_told(small_site: Any, cdl_medical: Any) -> None:
    folder = small_site.add_source("medicare", kind="ccw-rif")
    (folder / "mc.txt").write_text("\n".join(cdl_medical({}).splitlines()[1:3]) + "\n")
    error = refused(small_site)
    assert codes(error) == ["wrong-kind"]
    assert "apcd-cdl" in str(error)


def test_utf_16_is_told(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.txt").write_bytes(cdl_medical({}).encode("utf-16"))
    assert codes(refused(small_site)) == ["not-utf8"]


def test_an_unbalanced_quote_costs_its_row_alone(small_site: Any) -> None:
    folder = small_site.add_source("roster", kind="roster")
    (folder / "roster.csv").write_text(
        "npi,ccn,tin,name,role\n"
        '9999900001,,001234567,"Clinic, north",supplier\n'
        '9999900002,,001234567,"Clinic south,supplier\n'
        "9999900003,,001234567,Clinic east,supplier\n"
        '9999900004,,001234567,"Clinic ""west""",supplier\n'
    )
    (one,) = small_site.receive()
    assert (one.rows_read, one.rows_accepted, one.rows_quarantined) == (4, 3, 1)
    assert small_site.rows(one.database, "select row_number, rule from quarantined_row") == [(3, "unbalanced-quote")]
    assert small_site.rows(one.database, "select name from staged_row order by row_number") == [
        ("Clinic, north",),
        ("Clinic east",),
        ('Clinic "west"',),
    ]


def test_bad_rows_stop_the_run_where_the_settings_say_so(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    small_site.sources["payer"]["on_bad_row"] = "stop"
    (payer / "mc.txt").write_text(cdl_medical({}, {"119": CLAIM}, {"119": CLAIM}))
    error = refused(small_site)
    assert "CDLMC119 is not a date in 2 of 3 rows (first: rows 4, 5)" in str(error)


def test_faults_of_all_files_are_told_at_once(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "a.txt").write_text(cdl_medical({}, trailer=9))
    (payer / "b.txt").write_bytes(b"")
    (payer / "c.txt").write_text(cdl_medical({"006": "3"}, foot=False))
    assert codes(refused(small_site)) == ["trailer-count", "empty-file", "no-trailer"]


def test_a_source_whose_folder_is_missing_is_an_input_error(small_site: Any) -> None:
    small_site.add_source("gone", kind="roster").rmdir()
    error = refused(small_site)
    assert error.exit_code == 2
    assert "sources.gone.path" in str(error)


def zipped(text: str, passphrase: bytes) -> bytes:
    packed = io.BytesIO()
    with pyzipper.AESZipFile(packed, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(passphrase)
        archive.writestr("mc.txt", text)
    return packed.getvalue()


def test_a_wrong_and_a_missing_zip_passphrase_are_input_errors(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    (payer / "mc.zip").write_bytes(zipped(cdl_medical({}), b"right"))
    wrong = refused(small_site, Secrets(zip_passphrase="wrong"))
    assert "does not open the zip" in str(wrong)
    missing = refused(small_site)
    assert "QE_ZIP_PASSPHRASE" in str(missing)
    assert (wrong.exit_code, missing.exit_code) == (2, 2)


def test_a_wrong_and_a_missing_age_identity_are_input_errors(
    small_site: Any, payer: Path, cdl_medical: Any, tmp_path: Path
) -> None:
    right, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    (payer / "mc.age").write_bytes(pyrage.encrypt(cdl_medical({}).encode(), [right.to_public()]))
    key = tmp_path / "other.key"
    key.write_text(f"# created for a test\n{other}\n")
    wrong = refused(small_site, Secrets(age_identity=key))
    assert "the age identity does not open it" in str(wrong)
    missing = refused(small_site)
    assert "QE_AGE_IDENTITY" in str(missing)
    assert (wrong.exit_code, missing.exit_code) == (2, 2)


def test_a_zip_of_two_files_and_a_damaged_zip_are_told(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    packed = io.BytesIO()
    with pyzipper.AESZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "a")
        archive.writestr("b.txt", "b")
    (payer / "two.zip").write_bytes(packed.getvalue())
    (payer / "cut.zip").write_bytes(zipped(cdl_medical({}), b"right")[:200])
    assert codes(refused(small_site)) == ["damaged-container", "zip-members"]


def test_a_count_of_no_stays_and_days_that_end_before_they_begin_are_quarantined(small_site: Any) -> None:
    """A count of one stay is one; of the fifth row both are wrong, and a blank is told as blank alone."""
    rows = [
        "360001,2025-01-01,2025-12-31,1",
        "360002,2025-01-01,2025-12-31,0",
        "360003,2025-12-31,2025-01-01,40",
        "360004,2025-01-01,2025-01-01,-4",
        "360005,2025-02-01,2025-01-31,0",
        "360006,2025-01-01,2025-12-31,",
    ]
    folder = small_site.add_source("counts", kind="hospital-stays")
    (folder / "counts.csv").write_text("\n".join(["ccn,from_date,to_date,stays", *rows]) + "\n")
    assert quarantined(small_site, 6) == [
        (3, "too-small", "stays"),
        (4, "reversed-dates", "to_date"),
        (5, "too-small", "stays"),
        (6, "reversed-dates", "to_date"),
        (6, "too-small", "stays"),
        (7, "missing-value", "stays"),
    ]
