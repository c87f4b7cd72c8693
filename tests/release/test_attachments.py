"""Attachments of requests: kept encrypted, or sealed unread for the key that their reviewing officer alone holds."""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyrage
import pytest

from qe.errors import Findings, InputError, Refused
from qe.release import attachments, intake
from qe.release.attachments import AttachmentKind, attachments_of, place_of
from tests.release.conftest import Office

ASKED_ON = date(2026, 3, 9)
REQUEST = "2025Q4-1-U000002-1"
CHART = b"the chart of one person, as it came"


@pytest.fixture
def officer(tmp_path: Path) -> pyrage.x25519.Identity:
    """The reviewing officer's key, in a file as age-keygen writes it, outside the site."""
    secret = pyrage.x25519.Identity.generate()
    file = tmp_path / "officer.key"
    file.write_text(f"# public key: {secret.to_public()}\n{secret}\n")
    file.chmod(0o600)
    return secret


@pytest.fixture
def sent(open_office: Callable[[str], Office], settings_text: str, officer: pyrage.x25519.Identity) -> Office:
    """Reports handed over on 2 March, at an entity that can seal."""
    named = 'name = "rehearsal-site"\n'
    assert named in settings_text
    office = open_office(settings_text.replace(named, f'{named}sealing_recipient = "{officer.to_public()}"\n'))
    office.run()
    office.send()
    office.confirm()
    return office


def ask(
    office: Office, kind: AttachmentKind, *contents: bytes, today: date = ASKED_ON, **changed: Any
) -> intake.Logged:
    asked = intake.Asked(
        **{
            "cycle": "2025Q4-1", "unit_id": "U000002", "kind": "correction", "category": "calculation",
            "received": ASKED_ON, "attachments": tuple(attachments.Attachment(content=one, kind=kind) for one in contents),
            **changed,
        }
    )  # fmt: skip
    return intake.receive(
        office.site, office.ledger, asked, today=today, at=office.at(), actor="analyst", dry_run=False
    )


def places(office: Office, on: date = ASKED_ON) -> list[str]:
    return [place_of(office.site, one) for one in attachments_of(office.facts(on), REQUEST)]


def reopen(office: Office, to: Path, *, key: Path | None = None, on: date = ASKED_ON) -> bytes:
    attachments.open_again(
        office.site, office.ledger, REQUEST,
        starts_with="", key_file=key, to=to, on=on, at=office.at(), actor="officer", dry_run=False,
    )  # fmt: skip
    return to.read_bytes()


def in_the_clear(office: Office) -> list[Path]:
    return [path for path in office.site.root.rglob("*") if path.is_file() and CHART[4:20] in path.read_bytes()]


def test_an_ordinary_attachment_is_kept_encrypted_and_the_ledger_has_its_digest_size_and_kind(
    sent: Office, tmp_path: Path
) -> None:
    ask(sent, "none", CHART)
    assert places(sent) == ["encrypted"]
    assert in_the_clear(sent) == []
    (event,) = sent.events("attachment_received")
    assert event.payload == {
        "request_id": REQUEST,
        "attachment_sha256": hashlib.sha256(CHART).hexdigest(),
        "bytes": 35,
        "kind": "none",
    }
    assert reopen(sent, tmp_path / "chart.pdf") == CHART
    (opened,) = sent.events("attachment_opened")
    assert (opened.actor, opened.flag("was_sealed")) == ("officer", False)


@pytest.mark.parametrize("kind", ["pswp_suspected", "part2_suspected", "unknown"])
def test_a_suspected_one_is_sealed_for_the_officers_key_and_no_key_of_the_site_opens_it(
    sent: Office, officer: pyrage.x25519.Identity, tmp_path: Path, kind: AttachmentKind
) -> None:
    ask(sent, kind, CHART)
    assert places(sent) == ["sealed"]
    assert in_the_clear(sent) == []
    (sealed,) = (sent.site.store / "sealed").iterdir()
    assert (sealed.stat().st_mode & 0o777, sealed.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert pyrage.decrypt(sealed.read_bytes(), [officer]) == CHART
    assert not (sent.site.store / "attachments").exists()
    with pytest.raises(InputError, match="is sealed"):
        reopen(sent, tmp_path / "chart.pdf")
    assert reopen(sent, tmp_path / "chart.pdf", key=tmp_path / "officer.key") == CHART
    assert (tmp_path / "chart.pdf").stat().st_mode & 0o777 == 0o600
    assert [event.flag("was_sealed") for event in sent.events("attachment_opened")] == [True]


def test_the_same_add_again_records_nothing_and_writes_what_is_missing(sent: Office) -> None:
    ask(sent, "unknown", CHART)
    (sealed,) = (sent.site.store / "sealed").iterdir()
    sealed.unlink()
    assert places(sent) == ["missing"]
    head = sent.ledger.head()
    assert not ask(sent, "unknown", CHART, today=date(2026, 3, 11)).is_new
    assert (places(sent), sent.ledger.head()) == (["sealed"], head)


def test_a_further_attachment_joins_the_request_that_is_logged(sent: Office) -> None:
    ask(sent, "none", CHART)
    assert not ask(sent, "pswp_suspected", b"an incident report").is_new
    assert places(sent) == ["encrypted", "sealed"]
    assert len(sent.events("request_received")) == 1


def test_one_that_is_suspected_later_is_sealed_and_its_readable_copy_goes(sent: Office) -> None:
    ask(sent, "none", CHART)
    ask(sent, "part2_suspected", CHART)
    assert places(sent) == ["sealed"]
    assert list((sent.site.store / "attachments").iterdir()) == []


def test_a_sealed_one_is_kept_readable_only_after_the_officer_opened_it(sent: Office, tmp_path: Path) -> None:
    ask(sent, "pswp_suspected", CHART)
    with pytest.raises(Refused, match="nobody has reviewed it"):
        ask(sent, "none", CHART)
    with pytest.raises(Refused):  # nor as part of another request
        ask(sent, "none", CHART, category="risk_data")
    reopen(sent, tmp_path / "chart.pdf", key=tmp_path / "officer.key")
    ask(sent, "none", CHART)
    assert places(sent) == ["encrypted"]
    ask(sent, "pswp_suspected", CHART)
    with pytest.raises(Refused):  # the second suspicion needs a review of its own
        ask(sent, "none", CHART)


def test_without_a_key_to_seal_for_nothing_is_logged(office: Office) -> None:
    office.run()
    office.send()
    office.confirm()
    with pytest.raises(InputError, match="no key to seal it for"):
        ask(office, "unknown", CHART)
    assert office.events("request_received") == []
    assert in_the_clear(office) == []


def test_a_wrong_key_a_key_that_others_can_read_and_a_key_inside_the_site_open_nothing(
    sent: Office, tmp_path: Path
) -> None:
    ask(sent, "unknown", CHART)
    other = tmp_path / "other.key"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    other.chmod(0o600)
    inside = sent.site.root / "officer.key"
    inside.write_bytes((tmp_path / "officer.key").read_bytes())
    inside.chmod(0o600)
    bare = tmp_path / "bare.key"
    bare.write_text("no key")
    (tmp_path / "officer.key").chmod(0o644)
    for key, said in ((other, "does not open"), (inside, "inside the site"), (bare, "no key of age"),
                      (tmp_path / "officer.key", "read by others")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            reopen(sent, tmp_path / "chart.pdf", key=key)
    assert not (tmp_path / "chart.pdf").exists()
    assert sent.events("attachment_opened") == []


def test_an_opened_attachment_never_lands_in_the_site_nor_over_another_file(sent: Office, tmp_path: Path) -> None:
    ask(sent, "none", CHART)
    with pytest.raises(InputError, match="inside the site"):
        reopen(sent, sent.site.root / "out" / "chart.pdf")
    (tmp_path / "chart.pdf").write_text("another")
    with pytest.raises(InputError, match="there already"):
        reopen(sent, tmp_path / "chart.pdf")
    assert sent.events("attachment_opened") == []


def test_a_sealed_file_that_was_exchanged_is_found(
    sent: Office, officer: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    ask(sent, "unknown", CHART)
    (sealed,) = (sent.site.store / "sealed").iterdir()
    sealed.write_bytes(pyrage.encrypt(b"another chart", [officer.to_public()]))
    with pytest.raises(Findings, match="not the file that was recorded"):
        reopen(sent, tmp_path / "chart.pdf", key=tmp_path / "officer.key")


def test_the_question_must_be_answered_and_no_error_names_the_file(tmp_path: Path) -> None:
    named = tmp_path / "Mary Zyxquorvath.pdf"
    named.write_bytes(b"")
    for files, kind, said in (([named], None, "without an answer"), ([named], "none", "attachment 1 is empty"),
                              ([tmp_path / "Zyxquorvath"], "unknown", "attachment 1 cannot be read"),
                              ([], "none", "without an attachment")):  # fmt: skip
        with pytest.raises(InputError, match=said) as caught:
            attachments.read_attachments(files, kind)  # type: ignore[arg-type]
        assert "Zyxquorvath" not in f"{caught.value} {caught.value.remedy}"
