"""What of a record is compared with others, and the blocking keys made of it."""

from datetime import date

import polars as pl
import pytest

from ingest.blocks import address_key, compared_parts
from ingest.core.contract import Column
from ingest.partitions import normal_forms

DAY = date(2026, 3, 31)


def compared(born: date | None = None, **values: str | None) -> dict[str, str | None]:
    """What is compared of one guest."""
    classes = {"guest_name": "name", "id_document": "id_document", "home": "address"}
    columns = [Column(name, "varchar", name, personal=kind) for name, kind in classes.items()]
    texts = pl.DataFrame(
        {name: [values.get(name)] for name in classes},
        schema_overrides=dict.fromkeys(classes, pl.String),
    )
    days = None if born is None else pl.Series([born])
    return compared_parts(columns, normal_forms(columns, texts), texts, days, DAY).to_dicts()[0]


def test_a_name_in_traditional_characters_is_compared_in_simplified_ones() -> None:
    found = compared(guest_name="歐陽　偉")
    assert (found["name"], found["name_key"], found["surname"]) == (
        "欧阳 伟",
        "ouyang wei",
        "ouyang",
    )


def test_the_birth_date_is_that_of_the_document_before_one_that_somebody_typed() -> None:
    document = "11010519491231002X"
    assert compared(born=date(1950, 1, 1), id_document=document)["birth"] == "19491231"
    assert compared(born=date(1950, 1, 1))["birth"] == "19500101"
    assert compared()["birth"] is None


@pytest.mark.parametrize(
    ("born", "birth"),
    [
        (date(1753, 1, 1), None),
        (date(1915, 12, 31), None),
        (date(1916, 1, 1), "19160101"),
        (DAY, "20260331"),
        (date(2026, 4, 1), None),
    ],
)
def test_a_birth_date_before_110_years_or_after_the_delivery_is_not_compared(
    born: date, birth: str | None
) -> None:
    assert compared(born=born)["birth"] == birth


def test_an_address_has_one_spelling_whatever_its_spaces_and_signs() -> None:
    assert address_key("上海市 閔行區A101－0203室") == address_key("上海市闵行区a101-0203室")
    assert address_key(" - ") is None
