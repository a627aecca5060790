"""Audiences: who is addressed by which business, and nobody else."""

import csv
import json
from pathlib import Path

import pytest

from exports.nightly import export
from ingest.core.settings import Settings
from tests.exports.small_publication import BUSINESS_DATE, publish_small


def folder_of(settings: Settings) -> Path:
    return settings.lake / "outbox" / "audiences" / BUSINESS_DATE.isoformat()


def rows_of(settings: Settings, audience: str) -> list[dict[str, str]]:
    with (folder_of(settings) / f"{audience}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = publish_small(
        tmp_path_factory.mktemp("audiences"),
        "insert into dim_member_accounts (source, account_id, business, member_id) values"
        " ('pos', '00013', 'mall', 'M1')",
    )
    export(settings, BUSINESS_DATE)
    return settings


def test_each_audience_is_one_file_and_a_manifest_lists_them(exported: Settings) -> None:
    manifest = json.loads((folder_of(exported) / "manifest.json").read_text(encoding="utf-8"))
    assert [
        (entry["name"], entry["audience_name"], entry["rows"]) for entry in manifest["files"]
    ] == [
        ("points_expiring.csv", "积分即将过期", 1),
        ("sleeping.csv", "沉睡会员", 1),
    ]
    assert "授权" in manifest["note"]


def test_a_member_is_named_with_the_accounts_at_the_business_that_sends(exported: Settings) -> None:
    # M1 also has the account gate:P9, but at the car park.
    assert rows_of(exported, "points_expiring") == [
        {
            "业态代码": "mall",
            "业态": "购物中心",
            "会员编号": "M1",
            "本业态账号": "pos:00012 pos:00013",
            "等级": "金卡",
            "指标值": "500",
        }
    ]


def test_an_audience_holds_exactly_the_members_of_the_mart(exported: Settings) -> None:
    assert [(row["业态代码"], row["会员编号"]) for row in rows_of(exported, "sleeping")] == [
        ("hotel", "M2")
    ]


def test_no_phone_number_leaves_in_any_file(exported: Settings) -> None:
    for path in (exported.lake / "outbox").rglob("*"):
        if path.suffix in (".csv", ".json", ".html", ".txt"):
            assert "****" not in path.read_text(encoding="utf-8"), path


def test_an_audience_that_lost_its_last_member_leaves_no_old_file(tmp_path: Path) -> None:
    settings = publish_small(tmp_path, "delete from fct_audience_members where business = 'hotel'")
    old = folder_of(settings) / "sleeping.csv"
    old.parent.mkdir(parents=True)
    old.write_text("old", encoding="utf-8")
    export(settings, BUSINESS_DATE)
    assert sorted(path.name for path in folder_of(settings).iterdir()) == [
        "manifest.json",
        "points_expiring.csv",
    ]


def test_a_name_that_is_a_formula_is_disarmed(tmp_path: Path) -> None:
    settings = publish_small(tmp_path, "update dim_members set tier_name = '=HYPERLINK(1)'")
    export(settings, BUSINESS_DATE)
    assert rows_of(settings, "sleeping")[0]["等级"] == "'=HYPERLINK(1)"
