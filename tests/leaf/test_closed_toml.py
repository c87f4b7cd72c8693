"""Faults of closed TOML files, each told in one sentence with what to write instead."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from qe import closed_toml
from qe.errors import Fault, InputError, MeasureError


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ward(Closed):
    beds: int = Field(ge=1)
    opened_on: date | None = None


class Hospital(Closed):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = "General"
    kind: Literal["acute", "critical_access", "children"] = "acute"
    unit: Literal["stay"] = "stay"
    share: float = Field(default=0.5, ge=0, lt=1)
    rate: Decimal = Decimal(1)
    memory: Literal["auto"] | Annotated[float, Field(gt=0.25, le=512)] = "auto"
    level: Literal["low", "high"] | int | None = None
    is_open: bool = True
    areas: Annotated[list[str], Field(min_length=1)] = ["north"]
    by: list[Literal["specialty", "area"]] = []
    labels: dict[str, str] = {}
    code: str = Field(default="A1", pattern=r"^[A-Z]\d$", description="a capital letter and a digit")
    wards: dict[Annotated[str, Field(pattern="^[a-z]+$", description="lower-case letters")], Ward] = {}
    sites: list[Ward] = []


def faults(**content: Any) -> list[Fault]:
    with pytest.raises(InputError) as caught:
        closed_toml.validate(content, Hospital, shown_as="h.toml")
    return list(caught.value.faults)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "acut"}, '"kind": "acut" is not one of acute, critical_access, children; did you mean "acute"?'),
        ({"kind": "CHILDREN"}, '"kind": "CHILDREN" is not one of acute, critical_access, children; did you mean "children"?'),
        ({"kind": "zip"}, '"kind": "zip" is not one of acute, critical_access, children'),
        ({"kind": 3}, '"kind" must be one of acute, critical_access, children'),
        ({"unit": "stey"}, '"unit": "stey" is not "stay"; did you mean "stay"?'),
        ({"by": ["area", "arae"]}, '"by entry 2": "arae" is not one of specialty, area; did you mean "area"?'),
        ({"by": "area"}, '"by" must be a list, each entry one of specialty, area'),
        ({"memory": "autoo"}, '"memory": "autoo" is not "auto" or a number, above 0.25 and at most 512; did you mean "auto"?'),
        ({"memory": "12 GB"}, '"memory" must be "auto" or a number, above 0.25 and at most 512'),
        ({"memory": 0.1}, '"memory" must be "auto" or a number, above 0.25 and at most 512'),
        ({"level": "hihg"}, '"level": "hihg" is not one of low, high or a whole number; did you mean "high"?'),
        ({"name": 7}, '"name" must be text that is not blank'),
        ({"name": " "}, '"name" must be text that is not blank'),
        ({"share": "half"}, '"share" must be a number, at least 0 and below 1'),
        ({"share": 1}, '"share" must be a number, at least 0 and below 1'),
        ({"rate": []}, '"rate" must be a number'),
        ({"is_open": "perhaps"}, '"is_open" must be true or false'),
        ({"areas": "north"}, '"areas" must be a list with at least 1 entry, each entry text'),
        ({"areas": []}, '"areas" must be a list with at least 1 entry, each entry text'),
        ({"areas": ["north", 2]}, '"areas entry 2" must be text'),
        ({"labels": {"a": 1}}, '"labels.a" must be text'),
        ({"labels": 1}, '"labels" must be a table, each entry text'),
        ({"code": "a1"}, '"code" must be a capital letter and a digit'),
        ({"wards": {"icu": {"beds": 0}}}, '"wards.icu.beds" must be a whole number, at least 1'),
        ({"wards": {"icu": {"beds": 1, "opened_on": "soon"}}}, '"wards.icu.opened_on" must be a date like 2025-12-31'),
        ({"wards": {"icu": 4}}, '"wards.icu" must be a table with beds'),
        ({"wards": {"ICU": {"beds": 1}}}, 'the name "wards.ICU" must be lower-case letters'),
        ({"sites": [{"beds": 1}, {"beds": "many"}]}, '"sites entry 2.beds" must be a whole number, at least 1'),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_sentence_that_says_what_must_stand_there(content: dict[str, Any], message: str):
    assert [fault.message for fault in faults(**content)] == [f"h.toml: {message}"]


def test_the_fault_of_a_union_stands_at_the_key_alone():
    (fault,) = faults(memory="autoo")
    assert (fault.code, fault.place) == ("bad-value", "memory")


def test_only_words_that_may_be_meant_as_a_choice_are_repeated():
    key = "0123456789abcdef" * 4
    told = "".join(fault.sentence() for fault in faults(kind=key, memory=key, share=key, code=key, by=[key], areas=key))
    assert told.count("must be") == 6
    assert key[:16] not in told
    (broken,) = faults(kind="acute\nkind")
    assert "\n" not in broken.message


def test_an_unknown_key_of_a_named_table_gets_the_near_key_or_all_keys_of_that_table():
    near, far = faults(wards={"icu": {"beds": 1, "opend_on": 1}, "er": {"beds": 1, "colour": 1}})
    assert near.message == 'h.toml: unknown key "wards.icu.opend_on"; did you mean "opened_on"?'
    assert near.remedy == ""
    assert far.message == 'h.toml: unknown key "wards.er.colour"'
    assert far.remedy == '"wards.er" may have: beds, opened_on.'


def test_an_unknown_key_of_the_file_or_of_a_list_of_tables_names_the_keys_it_may_have():
    of_list, of_file = faults(sites=[{"beds": 1, "zzz": 1}], qqq=1)
    assert (of_list.message, of_list.remedy) == (
        'h.toml: unknown key "sites entry 1.zzz"',
        '"sites entry 1" may have: beds, opened_on.',
    )
    assert of_file.remedy.startswith("The file may have: name, kind, unit,")


def test_a_missing_key_says_what_it_must_be():
    (fault,) = faults(wards={"icu": {}})
    assert fault.message == 'h.toml: the key "wards.icu.beds" is missing'
    assert fault.remedy == "It must be a whole number, at least 1."


def test_all_faults_of_a_file_are_told_at_once():
    told = faults(kind="acut", memory="autoo", is_open=7, colour=1, wards={"ICU": {}})
    assert [fault.place for fault in told] == ["kind", "memory", "is_open", "wards.ICU", "wards.ICU.beds", "colour"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[site\n", "is not TOML"), (b"name = '\xe9'\n", "is not UTF-8 text"), (None, "is missing")],
)
def test_a_file_that_cannot_be_read_is_one_sentence_of_the_callers_class(
    tmp_path: Path, content: bytes | None, said: str
):
    if content is not None:
        (tmp_path / "h.toml").write_bytes(content)
    with pytest.raises(MeasureError, match=rf"^h\.toml {said}") as caught:
        closed_toml.load(tmp_path / "h.toml", Hospital, shown_as="h.toml", error=MeasureError)
    assert "\n" not in caught.value.message
