"""Serving feeds: each business gets its own accounts with tier, balance and what they may use."""

import csv
import json
from pathlib import Path

import pytest

from exports.nightly import export
from ingest.core.settings import Settings
from tests.exports.small_publication import BUSINESS_DATE, publish_small


def folder_of(settings: Settings) -> Path:
    return settings.lake / "outbox" / "feeds" / BUSINESS_DATE.isoformat()


def rows_of(settings: Settings, business: str) -> list[dict[str, str]]:
    with (folder_of(settings) / f"{business}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = publish_small(
        tmp_path_factory.mktemp("feeds"),
        "insert into dim_businesses (business, business_name) values ('property', '物业')",
        "insert into fct_member_entitlements"
        " (member_id, benefit, benefit_name, business, quantity, quantity_unit) values"
        " ('M1', 'wash', '洗车', 'parking', 2, 'use_per_moon')",
    )
    export(settings, BUSINESS_DATE)
    return settings


def test_a_business_gets_its_own_accounts_and_no_other(exported: Settings) -> None:
    accounts = {
        business: [row["账号"] for row in rows_of(exported, business)]
        for business in ("mall", "hotel", "parking")
    }
    assert accounts == {"mall": ["00012", "'=1+1"], "hotel": ["G7"], "parking": ["P9"]}


def test_an_account_shows_what_its_member_has_group_wide(exported: Settings) -> None:
    # M1 earned at the mall; the car park's channel shows the same balance and tier.
    assert rows_of(exported, "parking") == [
        {
            "源系统": "gate",
            "账号": "P9",
            "会员编号": "M1",
            "等级代码": "gold",
            "等级": "金卡",
            "等级到期日": "2026-12-31",
            "积分余额": "5500",
            "30天内到期积分": "500",
            "权益": "商场免费停车时长 3小时/天；洗车 2 use_per_moon",
        }
    ]


def test_benefits_of_another_business_are_not_listed(exported: Settings) -> None:
    assert [row["权益"] for row in rows_of(exported, "mall")] == ["商场贵宾休息室 12次/年", ""]


def test_a_tier_without_end_has_no_date(exported: Settings) -> None:
    assert rows_of(exported, "hotel")[0]["等级到期日"] == ""


def test_a_business_without_accounts_gets_a_header_only(exported: Settings) -> None:
    assert rows_of(exported, "property") == []
    manifest = json.loads((folder_of(exported) / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["business"]: entry["rows"] for entry in manifest["files"]} == {
        "hotel": 1,
        "mall": 2,
        "parking": 1,
        "property": 0,
    }
