"""gzip, AES zip and age: the same rows as the plain file, and no plain bytes on the disk."""

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest
import pyzipper

from qe.sources.stream import Secrets, secrets_from

PASSPHRASE = "correct horse"


@pytest.fixture
def secrets(tmp_path: Path) -> Iterator[Secrets]:
    key = tmp_path / "identity.txt"
    key.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    yield Secrets(zip_passphrase=PASSPHRASE, age_identity=key)


def packed(text: str, secrets: Secrets) -> dict[str, bytes]:
    plain = text.encode()
    zipped = io.BytesIO()
    with pyzipper.AESZipFile(zipped, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(PASSPHRASE.encode())
        archive.writestr("any name.bin", plain)
    assert secrets.age_identity is not None
    recipient = pyrage.x25519.Identity.from_str(secrets.age_identity.read_text().strip()).to_public()
    squeezed = gzip.compress(plain, mtime=0)
    return {
        "plain": plain,
        "gzip": squeezed,
        "zip": zipped.getvalue(),
        "age": pyrage.encrypt(plain, [recipient]),
        "gzip-in-age": pyrage.encrypt(squeezed, [recipient]),
    }


@pytest.mark.parametrize("container", ["plain", "gzip", "zip", "age", "gzip-in-age"])
def test_a_container_is_known_by_its_content_and_leaves_nothing_plain_on_the_disk(
    small_site: Any, cdl_medical: Any, secrets: Secrets, container: str
) -> None:
    folder = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")
    text = cdl_medical({"005": "CANARY-CLAIM", "161": "CANARY-MEMBER"}, {"119": "bad"})
    (folder / "delivery.dat").write_bytes(packed(text, secrets)[container])
    (one,) = small_site.receive(secrets)
    assert (one.rows_read, one.rows_accepted, one.rows_quarantined, one.expected_rows) == (2, 1, 1, 2)
    assert small_site.rows(one.database, "select native_claim_id from staged_row") == [("CANARY-CLAIM",)]
    for file in (small_site.root / "store").rglob("*"):
        assert not file.is_file() or b"CANARY" not in file.read_bytes()


def test_the_secrets_come_from_the_environment_and_do_not_show() -> None:
    secrets = secrets_from({"QE_ZIP_PASSPHRASE": "hush", "QE_AGE_IDENTITY": "/keys/me.txt"})
    assert secrets == Secrets(zip_passphrase="hush", age_identity=Path("/keys/me.txt"))
    assert "hush" not in repr(secrets)
