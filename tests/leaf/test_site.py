from pathlib import Path

import pytest

from qe.errors import InputError
from qe.site import open_site
from qe.upkeep import new_site


@pytest.fixture
def site_folder(tmp_path: Path) -> Path:
    new_site.create(tmp_path / "clinic", sample=False, configuration=tmp_path / "config")
    return tmp_path / "clinic"


def change(folder: Path, *pairs: tuple[str, str]) -> None:
    text = (folder / "qe.toml").read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "qe.toml").write_text(text)


def test_a_new_site_opens_with_its_own_keys(site_folder: Path):
    site = open_site(site_folder)
    assert site.store_key() != site.vault_key()
    assert not (site_folder / "config").exists()


def test_all_unknown_and_missing_settings_are_told_at_once_with_a_suggestion(site_folder: Path):
    change(
        site_folder,
        ("organisation =", "organization ="),
        ("min_peers =", "min_peer ="),
        ("rehearsal = false", "rehearsel = false"),
    )
    with pytest.raises(InputError) as caught:
        open_site(site_folder)
    messages = [fault.message for fault in caught.value.faults]
    assert 'qe.toml: unknown key "entity.organization"; did you mean "organisation"?' in messages
    assert 'qe.toml: the key "entity.organisation" is missing' in messages
    assert 'qe.toml: unknown key "peers.min_peer"; did you mean "min_peers"?' in messages
    assert 'qe.toml: unknown key "site.rehearsel"; did you mean "rehearsal"?' in messages


def test_a_minimum_count_below_eleven_is_refused(site_folder: Path):
    change(site_folder, ("hide_small_from_provider = false", "hide_small_from_provider = false\nmin_count = 10"))
    with pytest.raises(InputError, match=r"disclosure\.min_count"):
        open_site(site_folder)


def test_a_claims_source_without_its_payer_is_refused(site_folder: Path):
    change(site_folder, ('payer_id = "medicare"\n', ""))
    with pytest.raises(InputError, match=r"sources\.medicare\.payer_id"):
        open_site(site_folder)


def test_a_key_inside_the_site_is_refused(site_folder: Path):
    key = Path(open_site(site_folder).settings.site.key_file or "")
    (site_folder / "store.key").write_text(key.read_text())
    change(site_folder, (str(key), "store.key"))
    with pytest.raises(InputError, match="inside the site"):
        open_site(site_folder).store_key()


def test_a_folder_that_holds_something_never_becomes_a_site(site_folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="is not empty"):
        new_site.create(site_folder, sample=False, configuration=tmp_path / "config")


def test_a_file_that_is_not_toml_is_one_sentence(site_folder: Path):
    (site_folder / "qe.toml").write_text("[site\n")
    with pytest.raises(InputError, match=r"qe\.toml is not TOML"):
        open_site(site_folder)


def test_keys_can_come_from_the_environment(site_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("QE_KEY", "ab" * 32)
    assert open_site(site_folder).store_key().hex_digits == "ab" * 32
