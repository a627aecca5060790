"""Contracts are checked as a whole; a mistake is named with file, line, column and place."""

import json
from pathlib import Path

import pytest

from ingest.core.contract import contract_schema, load_source, source_names
from ingest.core.errors import Problem
from ingest.core.settings import load_settings
from tests.ingest.small_house import DAY, SHOP, House, build_house


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build_house(tmp_path)


def test_the_contract_says_everything_that_reading_a_file_needs(house: House) -> None:
    source = load_source(house.settings.dbt_project, "shop")
    sales = source.table("sales")
    assert (source.business, source.day_cut_off.hour) == ("shop", 4)
    assert source.control.file_name(DAY) == "对账_20261029.csv"
    assert sales.file_name(DAY) == "销售_20261029.csv"
    assert (sales.key, sales.account, sales.control_total) == (
        ("receipt", "line"),
        None,
        "paid_fen",
    )
    assert sales.column("kind").allowed == {"销售": "sale", "退货": "return"}
    assert source.table("cards").column("mobile").personal == "mobile"


def test_the_sources_of_the_project_are_all_valid() -> None:
    dbt_project = load_settings().dbt_project
    names = source_names(dbt_project)
    assert {"hotel", "parking", "payments", "pos", "property"} <= set(names)
    assert [load_source(dbt_project, name).name for name in names] == names


MISTAKES = [
    (
        "          format: csv",
        "          format: xls",
        "18:11: sources.shop.tables.cards.meta.format: should be 'csv'",
    ),
    (
        "          encoding: gb18030",
        "          encoding: gb99",
        "19:11: sources.shop.tables.cards.meta.encoding: unknown encoding 'gb99'",
    ),
    (
        "personal: mobile",
        "personal: phone",
        "cards.columns.mobile.meta.personal: should be 'mobile', 'id_document'",
    ),
    (
        "data_type: timestamp",
        "data_type: datetime",
        "41:29: sources.shop.tables.sales.columns.sold_at.data_type: should be",
    ),
    ("unit: yuan", "unit: dollar", "columns.paid_fen.meta.unit: should be 'yuan' or 'fen'"),
    ("unit: yuan, ", "", "column paid_fen: amounts, and only they"),
    ("{header: 小票, ", "{header: 小票, excel_serial: true, ", "'excel_serial' belongs on a date"),
    ("key: [card]", "key: [card]\n          value_prefix: no", "meta.value_prefix: should be a"),
    ("key: [card]", "key: [card]\n          value_prefix: ab", "meta.value_prefix: String should"),
    ("key: [receipt, line]", "key: [receipt, row]", "34:11: sales: key 'row' is not a column"),
    ("account: card", "account: mobile", "account 'mobile' must not be personal data"),
    ("key: [card]", "key: [is_consented]", "the key must be the account 'card' alone"),
    ("control_total: paid_fen", "control_total: line", "control_total 'line' must be an amount"),
    ("{from: sold_at}", "{from: receipt}", "business_date from 'receipt' must be a date"),
    (
        "{from: sold_at}",
        "{to: sold_at}",
        "36:27: sources.shop.tables.sales.meta.business_date.to: is unknown here",
    ),
    (
        "time_zone: Asia/Shanghai",
        "time_zone: Asia/Nowhere",
        "sources.shop.meta.time_zone: unknown time zone",
    ),
    (
        'day_cut_off: "04:00"',
        'day_cut_off: "24:00"',
        "sources.shop.meta.day_cut_off: '24:00' is no time HH:MM",
    ),
    ("销售_{yyyymmdd}.csv", "../{yyyymmdd}.csv", "must be a plain name with"),
    ("销售_{yyyymmdd}.csv", "会员_{yyyymmdd}.csv", "file '会员_{yyyymmdd}.csv' is described twice"),
    ("header: 手机, ", "header: 姓名, ", "header '姓名' is described twice"),
    ("min: 1, max: 99", "min: one", "columns.line.meta.min: should be a valid integer"),
    ("required: true, min", "requird: true, min", "columns.line.meta.requird: is unknown here"),
    ("销售: sale", "1: sale", "columns.kind.meta.allowed.1.[key]: should be a valid string"),
    (", rows: 行数, total: 合计}", "}", "control.columns.rows: Field required"),
    ("  - name: shop", "  - name: shops", "must describe source 'shop' once, not 0 times"),
    ("version: 2", "version: [2", "not valid YAML"),
]


@pytest.mark.parametrize(("old", "new", "reason"), MISTAKES)
def test_a_mistake_in_a_contract_is_named_before_any_file_is_read(
    house: House, old: str, new: str, reason: str
) -> None:
    path = house.contract_file("shop")
    assert old in SHOP
    path.write_text(SHOP.replace(old, new), encoding="utf-8")
    with pytest.raises(Problem) as caught:
        load_source(house.settings.dbt_project, "shop")
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


def test_a_source_without_control_file_is_refused(house: House) -> None:
    text = SHOP[: SHOP.index("      control:")] + SHOP[SHOP.index("    tables:") :]
    house.contract_file("shop").write_text(text, encoding="utf-8")
    with pytest.raises(Problem, match=r"sources\.shop\.meta\.control: Field required"):
        load_source(house.settings.dbt_project, "shop")


def test_an_unknown_source_lists_the_known_ones(house: House) -> None:
    with pytest.raises(Problem, match=r"no contract for source 'zoo'.*sources: gate, inn, shop"):
        load_source(house.settings.dbt_project, "zoo")


def test_editors_are_given_the_schema_that_contracts_are_checked_by() -> None:
    dbt_project = load_settings().dbt_project
    published = (dbt_project / "contract.schema.json").read_text(encoding="utf-8")
    said = "run python -m ingest contracts --schema > dbt_project/contract.schema.json"
    assert json.loads(published) == contract_schema(), said
    for name in source_names(dbt_project):
        path = dbt_project / "models" / "staging" / name / f"_{name}__sources.yml"
        first_line = path.read_text(encoding="utf-8").splitlines()[0]
        assert first_line == "# yaml-language-server: $schema=../../../contract.schema.json"
