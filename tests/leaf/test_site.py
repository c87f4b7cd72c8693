import tomllib
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from qe import closed_toml
from qe.errors import Fault, InputError
from qe.site import Settings, open_site
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
    with pytest.raises(InputError, match=r'"sources\.medicare": a source of kind ccw-rif needs payer_id$'):
        open_site(site_folder)


def test_names_of_tables_and_missing_payers_are_told_together_with_all_other_faults(site_folder: Path):
    change(
        site_folder,
        ('[periods."2025Q4"]', '[periods."2025-4"]'),
        ("run_out_days =", "run_out_day ="),
        ('payer_id = "medicare"\n', ""),
        ("[sources.roster]", "[sources.Roster]"),
        ("[peers]", "[measures]\nfolder = ['mine']\nhwr = 3\n[peers]"),
        ('by = ["area"]', 'by = ["arae"]'),
    )
    with pytest.raises(InputError) as caught:
        open_site(site_folder)
    assert [fault.message for fault in caught.value.faults] == [
        'qe.toml: the name "periods.2025-4" must be a quarter like 2025Q4',
        'qe.toml: the key "periods.2025-4.run_out_days" is missing',
        'qe.toml: unknown key "periods.2025-4.run_out_day"; did you mean "run_out_days"?',
        'qe.toml: "sources.medicare": a source of kind ccw-rif needs payer_id',
        'qe.toml: the name "sources.Roster" must be lower-case letters, digits and _, a letter first',
        'qe.toml: "measures": "folder" is no table of parameters; did you mean "folders"?; '
        '"hwr" is no table of parameters',
        'qe.toml: "peers.by entry 1": "arae" is not one of specialty, size_quartile, area; did you mean "area"?',
    ]


@pytest.mark.parametrize("threshold", ["nan", "inf", "-0.1", "1.5"])
def test_a_quality_threshold_is_a_share(site_folder: Path, threshold: str):
    with (site_folder / "qe.toml").open("a") as file:
        file.write(f"\n[quality.missing_value]\nthreshold = {threshold}\n")
    with pytest.raises(InputError, match=r'"quality\.missing_value\.threshold" must be a number, at least 0'):
        open_site(site_folder)


def test_a_quality_setting_of_a_misspelt_source_is_told_with_the_near_source(site_folder: Path):
    with (site_folder / "qe.toml").open("a") as file:
        file.write('\n[quality."missing_value:claim.paid_date@medicar"]\nthreshold = 0.5\n')
    with pytest.raises(
        InputError, match=r'"missing_value:claim.paid_date@medicar" is of no source; did you mean "medicare"'
    ):
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


Key = tuple[str, ...]
IN_A_LIST = "entry 1"


def settings_of(annotation: Any, at: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Every setting below `annotation` with its type; tables of a mapping are named as in the sample site."""
    names: dict[Key, str] = {("periods",): "2025Q4", ("sources",): "roster"}
    if get_origin(annotation) is Annotated:
        yield from settings_of(get_args(annotation)[0], at)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from settings_of(field.annotation, (*at, name))
    elif get_origin(annotation) is dict:
        yield from settings_of(get_args(annotation)[1], (*at, names.get(at, "any")))
    elif get_origin(annotation) is list:
        yield at, annotation
        yield from settings_of(get_args(annotation)[0], (*at, IN_A_LIST))
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            if member is not NoneType:
                yield from settings_of(member, at)
    else:
        yield at, annotation


ALL_KEYS = sorted({at for at, _ in settings_of(Settings)})
ALL_CHOICES = [
    (at, choice)
    for at, annotation in settings_of(Settings)
    if get_origin(annotation) is Literal
    for choice in get_args(annotation)
]


def faults_with(site_folder: Path, at: Key, value: object) -> list[Fault]:
    """What is said of the sample's settings with `value` at `at`."""
    content = tomllib.loads((site_folder / "qe.toml").read_text())
    *above, last = [part for part in at if part != IN_A_LIST]
    table = content
    for name in above:
        table = table.setdefault(name, {})
    table[last] = [value] if IN_A_LIST in at else value
    with pytest.raises(InputError) as caught:
        closed_toml.validate(content, Settings, shown_as="qe.toml")
    return list(caught.value.faults)


def test_the_walk_meets_choices_in_lists_unions_and_named_tables():
    met = {at for at, _ in ALL_CHOICES}
    assert {("peers", "by", IN_A_LIST), ("site", "memory_gib"), ("sources", "roster", "kind")} <= met
    assert ("periods", "2025Q4", "measures", IN_A_LIST) in ALL_KEYS


def test_every_choice_with_one_letter_too_many_is_named_in_the_one_fault_of_its_key(site_folder: Path):
    for at, choice in ALL_CHOICES:
        (fault,) = faults_with(site_folder, at, choice + choice[-1])
        key = ".".join(at).replace(f".{IN_A_LIST}", f" {IN_A_LIST}")
        assert fault.place == key
        assert fault.message.startswith(f'qe.toml: "{key}": "{choice}{choice[-1]}" is not ')
        assert fault.message.endswith(f'; did you mean "{choice}"?')


def test_every_setting_of_a_wrong_type_is_one_fault_in_words_of_the_house(site_folder: Path):
    for at in ALL_KEYS:
        (fault,) = faults_with(site_folder, at, time(12))  # no setting is a time of day
        key = ".".join(at).replace(f".{IN_A_LIST}", f" {IN_A_LIST}")
        assert fault.message.startswith(f'qe.toml: "{key}" must be ')
        assert not {"Input", "input", "valid", "String", "string", "pattern"} & set(fault.message.split())


def test_every_table_gives_an_unknown_key_its_near_key(site_folder: Path):
    for at in ALL_KEYS:
        *above, last = at
        if last in (IN_A_LIST, "any") or tuple(above) == ("measures",):  # other keys of [measures] are modules
            continue
        told = faults_with(site_folder, (*above, f"{last}x"), 1)
        hints = [fault.message for fault in told if fault.code == "unknown-key"]
        assert hints == [f'qe.toml: unknown key "{".".join(above)}.{last}x"; did you mean "{last}"?']


@pytest.mark.parametrize(
    ("at", "value", "said"),
    [
        (("site", "name"), "a b", '"site.name" must be letters, digits, _ and -, a letter or digit first'),
        (("peers", "min_peers"), 1, '"peers.min_peers" must be a whole number, at least 2'),
        (("review", "day_count"), "literl",
         '"review.day_count": "literl" is not one of conservative, literal; did you mean "literal"?'),
        (("delivery", "encrypt"), "zip", '"delivery.encrypt": "zip" is not one of age, pdf-aes256'),
        (("site", "memory_gib"), "autoo",
         '"site.memory_gib": "autoo" is not "auto" or a number, above 0.25 and at most 512; did you mean "auto"?'),
        (("review", "request_zone"), "Pacific/Hilo",
         '"review.request_zone": no such time zone; write it like "America/New_York"'),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told_by_what_it_must_be(site_folder: Path, at: Key, value: object, said: str):
    assert [fault.message for fault in faults_with(site_folder, at, value)] == [f"qe.toml: {said}"]
