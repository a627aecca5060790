"""Rule books: a mistake is named with file and line; dates become stretches of time."""

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.__main__ import main
from ingest.core.contract import business_names
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ingest.rules.books import load_rule_books
from ingest.rules.compile import TABLES, compile_rules, write_rules
from tests.ingest.rule_books import PROJECT, change, compiled, must_refuse
from tests.ingest.small_house import DAY, read

SOURCE = "source: Charter 2024, approved_by: Committee"
FROM_CHARTER = "source: Programme charter 2024 §6, approved_by: Group membership committee"


MISTAKES = [
    ("businesses/mall.yml", "value: 100", 'value: "100"', "should be a valid integer"),
    ("businesses/mall.yml", "value: 100", "value: -1", "greater than or equal to 0"),
    ("businesses/mall.yml", "value: 100", "value: 1.5", "should be a valid integer"),
    ("businesses/mall.yml", "growth_percent:", "growth_procent:", "is unknown here"),
    ("businesses/mall.yml", "from: 2024-01-01, value: unlimited", "from: 2024-01-32, value: x", ""),
    (
        "businesses/mall.yml",
        "value: unlimited",
        "value: never",
        "'within_balance' or 'only_pending'",
    ),
    ("businesses/mall.yml", "Asia/Shanghai", "Asia/Shangri-La", "unknown time zone"),
    ("businesses/mall.yml", '"04:00"', '"4 am"', "day_cut_off"),
    ("businesses/mall.yml", "business: mall", "business: maul", "belongs in maul.yml"),
    ("programme/points.yml", "from: 2024-01-01", "from: soon", "should be a valid date"),
    ("programme/points.yml", "months: 12}, s", "months: 0}, s", "greater than or equal to 1"),
    ("programme/tiers.yml", "value: 5000", "value: 20000", ""),
    ("programme/tiers.yml", "tier: silver", "tier: basic", "'basic' is described twice"),
    ("programme/entitlements.yml", "lowest_tier: gold", "lowest_tier: jade", "unknown tier 'jade'"),
    ("programme/entitlements.yml", "business: parking", "business: zoo", "unknown business 'zoo'"),
    ("programme/entitlements.yml", "quantity: 3", "quantity: 0", "greater than or equal to 1"),
    ("programme/marketing.yml", "near_upgrade", "sleeping", ""),
    ("programme/marketing.yml", "kind: no_activity_for_days", "kind: any", "kind"),
    (
        "programme/marketing.yml",
        "kind: growth_missing_at_most",
        "issuer: hotel\n    kind: growth_missing_at_most",
        "asks for no points",
    ),
    (
        "programme/marketing.yml",
        "account_at: property",
        "account_at: zoo",
        "unknown business 'zoo'",
    ),
    ("programme/marketing.yml", "issuer: hotel", "issuer: zoo", "unknown business 'zoo'"),
    ("programme/settlement.yml", "party: fund", "party: mall", "cannot carry the name of a busi"),
]
ROLLING = "{model: rolling, months: 12}"
EXPIRY_MISTAKES = [
    ("{model: rolling}", "Field required"),
    ("{model: monthly, months: 12}", "does not match any of the expected tags"),
    ("{model: rolling, months: 12, idle_months: 3}", "is unknown here"),
    ("{model: rolling, months: 12, round_up_to: week_end}", "'month_end', 'quarter_end'"),
    ("{model: never, round_up_to: month_end}", "is unknown here"),
    ("{model: fixed, month: 13, day: 1, years_after: 1}", "less than or equal to 12"),
    ("{model: fixed, month: 4, day: 31, years_after: 1}", "month 4 has no day 31"),
    ("{model: fixed, month: 3, day: 31, years_after: 0}", "greater than or equal to 1"),
    ("{model: dual, idle_months: 18}", "Field required"),
    ("{model: never, exempt_tiers: [gold, jade]}", "unknown tier 'jade'"),
    ("{model: never, exempt_tiers: [basic]}", "everybody holds 'basic'"),
    ("{model: never, renewal: {window_days: 30}}", "Field required"),
    ("{model: never, reinstatement_days: -1}", "greater than or equal to 0"),
]


@pytest.mark.parametrize(("value", "reason"), EXPIRY_MISTAKES)
def test_a_spoiled_rule_of_expiry_is_refused_with_its_line_and_a_column_inside_its_value(
    rules: Path, value: str, reason: str
) -> None:
    path = rules / "programme" / "points.yml"
    line = change(path, f"value: {ROLLING}", f"value: {value}")
    with pytest.raises(Problem) as caught:
        load_rule_books(rules, PROJECT)
    message = str(caught.value)
    assert reason in message
    place, written, column, _ = message.split(":", 3)
    assert (place, int(written)) == (str(path), line)
    assert int(column) >= len("  - {from: 2024-01-01, ")


def test_a_model_of_idle_members_needs_activity_that_resets_the_clock(rules: Path) -> None:
    path = rules / "programme" / "points.yml"
    line = change(path, f"value: {ROLLING}", "value: {model: activity, idle_months: 24}")
    load_rule_books(rules, PROJECT)
    change(path, "[purchase, stay, fee_payment, parking_session, points_redemption]", "[]")
    with pytest.raises(Problem, match=rf":{line}:.*resets_clock names no activity type"):
        load_rule_books(rules, PROJECT)


def test_expiry_starts_no_later_than_earning(rules: Path) -> None:
    path = rules / "programme" / "points.yml"
    line = change(path, "from: 2024-01-01, value: {model", "from: 2024-01-02, value: {model")
    with pytest.raises(Problem, match=rf":{line}:.*points are earned from 2024-01-01 on"):
        load_rule_books(rules, PROJECT)


def test_a_version_of_expiry_is_one_row_of_months_days_and_tiers(rules: Path) -> None:
    value = (
        "{model: dual, idle_months: 18, absolute_months: 48, round_up_to: quarter_end,"
        " exempt_tiers: [gold, diamond], reinstatement_days: 30, renewal: {window_days: 30,"
        " points_per_10000_fen: 100, extension_months: 6}}"
    )
    path = rules / "programme" / "points.yml"
    change(
        path,
        f"value: {ROLLING}, {FROM_CHARTER}}}",
        f"value: {ROLLING}, {SOURCE}}}\n  - {{from: 2026-01-01, value: {value}, {SOURCE}}}",
    )
    rows = compiled(rules, "expiry")
    assert {row["business"] for row in rows} == {
        row["business"] for row in compiled(rules, "earning")
    }
    first, second = [row for row in rows if row["business"] == "mall"]
    assert (first["model"], first["lot_months"], first["valid_until_date"]) == (
        *("rolling", 12, date(2026, 1, 1)),
    )
    assert {name: value for name, value in second.items() if value is not None} == {
        "model": "dual",
        "lot_months": 48,
        "idle_months": 18,
        "round_up_months": 3,
        "exempt_tiers": "diamond gold",
        "reinstatement_days": 30,
        "renewal_window_days": 30,
        "renewal_points_per_10000_fen": 100,
        "renewal_extension_months": 6,
        "valid_from_date": date(2026, 1, 1),
        "business": "mall",
        "rule_id": "expiry/mall/2026-01-01",
    }


def test_expiry_of_a_business_holds_instead_of_the_groups_until_null(rules: Path) -> None:
    own = (
        f"expiry:\n  - {{from: 2026-01-01, value: {{model: never}}, {SOURCE}}}\n"
        f"  - {{from: 2026-07-01, value: null, {SOURCE}}}\n"
    )
    change(rules / "businesses" / "property.yml", VESTING, own + VESTING)
    rows = compiled(rules, "expiry")
    assert [row["model"] for row in rows if row["business"] == "mall"] == ["rolling"]
    assert [
        (row["model"], row["valid_from_date"], row["valid_until_date"])
        for row in rows
        if row["business"] == "property"
    ] == [
        ("rolling", date(2024, 1, 1), date(2026, 1, 1)),
        ("never", date(2026, 1, 1), date(2026, 7, 1)),
        ("rolling", date(2026, 7, 1), None),
    ]


def test_spoiled_expiry_of_a_business_is_refused_in_its_own_book(rules: Path) -> None:
    value = "{model: never, exempt_tiers: [jade]}"
    own = f"expiry: [{{from: 2026-01-01, value: {value}, {SOURCE}}}]\n"
    line = change(rules / "businesses" / "property.yml", VESTING, own + VESTING)
    with pytest.raises(Problem, match=rf"property\.yml:{line}:\d+: .*unknown tier 'jade'"):
        load_rule_books(rules, PROJECT)


VESTING = "growth_percent:  #"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{pending_days: 7}", [(1, 7, 100)]),
        (
            "[{after_days: 30, percent: 50}, {after_days: 60, percent: 50}]",
            [(1, 30, 50), (2, 60, 50)],
        ),
    ],
)
def test_vesting_is_a_row_for_each_instalment(
    rules: Path, value: str, expected: list[tuple[int, int, int]]
) -> None:
    vesting = f"vesting: [{{from: 2024-01-01, value: {value}, {SOURCE}}}]\n"
    change(rules / "businesses" / "outlet.yml", VESTING, vesting + VESTING)
    rows = compiled(rules, "vesting")
    assert {row["business"] for row in rows} == {"outlet", "property"}
    assert [
        (row["instalment"], row["after_days"], row["percent"])
        for row in rows
        if row["business"] == "outlet"
    ] == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("[{after_days: 30, percent: 50}, {after_days: 60, percent: 49}]", "sum to 99 percent"),
        ("[{after_days: 30, percent: 50}, {after_days: 30, percent: 50}]", "must come after 30"),
        ("{pending_days: -1}", "greater than or equal to 0"),
        ("{waiting_days: 7}", "is unknown here"),
    ],
)
def test_spoiled_vesting_is_refused_with_its_line(rules: Path, value: str, reason: str) -> None:
    vesting = f"vesting: [{{from: 2024-01-01, value: {value}, {SOURCE}}}]\n"
    line = change(rules / "businesses" / "outlet.yml", VESTING, vesting + VESTING)
    with pytest.raises(Problem, match=rf"outlet\.yml:{line}:\d+: .*{reason}"):
        load_rule_books(rules, PROJECT)


@pytest.mark.parametrize(("file", "old", "new", "reason"), MISTAKES)
def test_a_spoiled_rule_book_is_refused_with_file_and_line(
    rules: Path, file: str, old: str, new: str, reason: str
) -> None:
    line = change(rules / file, old, new)
    with pytest.raises(Problem) as caught:
        load_rule_books(rules, PROJECT)
    message = str(caught.value)
    assert message.startswith(f"{rules / file}:")
    assert "\n" not in message
    assert reason in message
    if reason:
        assert message.startswith(f"{rules / file}:{line}:")


def test_two_businesses_of_one_legal_entity_call_it_by_one_name(rules: Path) -> None:
    hotel = rules / "businesses" / "hotel.yml"
    code = load_rule_books(rules, PROJECT).businesses[1].unified_social_credit_code  # the mall's
    own = load_rule_books(rules, PROJECT).businesses[0]
    change(hotel, own.unified_social_credit_code, code)
    with pytest.raises(Problem, match=rf"mall\.yml:\d+:1: another business calls .* {code} '"):
        load_rule_books(rules, PROJECT)
    malls = load_rule_books(PROJECT / "rules", PROJECT).businesses[1].legal_entity_name
    change(hotel, own.legal_entity_name, malls)
    load_rule_books(rules, PROJECT)


def test_dates_must_rise_strictly(rules: Path) -> None:
    path = rules / "programme" / "points.yml"
    change(path, "\n# How long", f"  - {{from: 2024-01-01, value: 90, {SOURCE}}}\n\n# How long")
    with pytest.raises(
        Problem, match=r"points\.yml:2:1: points_per_10000_fen: date 2024-01-01 must come after"
    ):
        load_rule_books(rules, PROJECT)


def test_a_value_without_its_source_is_refused(rules: Path) -> None:
    path = rules / "programme" / "points.yml"
    line = change(path, "source: Programme charter 2024 §3, ", "")
    with pytest.raises(Problem, match=rf"points\.yml:{line}:5: .*source: Field required"):
        load_rule_books(rules, PROJECT)


def test_a_key_written_twice_is_refused(rules: Path) -> None:
    path = rules / "businesses" / "mall.yml"
    line = change(path, "time_zone:", "business_name: 另一个\ntime_zone:")
    with pytest.raises(Problem, match=rf"mall\.yml:{line}:1: 'business_name' is written twice"):
        load_rule_books(rules, PROJECT)


def test_broken_yaml_is_refused_with_its_line(rules: Path) -> None:
    path = rules / "businesses" / "mall.yml"
    change(path, "excluded_channels:", "excluded_channels: [")
    with pytest.raises(Problem, match=r"mall\.yml:\d+:\d+: not valid YAML"):
        load_rule_books(rules, PROJECT)


def test_businesses_of_the_rules_and_of_the_project_are_the_same(rules: Path) -> None:
    (rules / "businesses" / "mall.yml").rename(rules / "businesses" / "zoo.yml")
    change(rules / "businesses" / "zoo.yml", "business: mall", "business: zoo")
    with pytest.raises(Problem, match=r"zoo\.yml:2:1: 'zoo' is not in vars\.businesses"):
        load_rule_books(rules, PROJECT)
    (rules / "businesses" / "zoo.yml").unlink()
    with pytest.raises(Problem, match=r"mall\.yml is missing; dbt_project\.yml lists 'mall'"):
        load_rule_books(rules, PROJECT)


def test_the_lowest_threshold_is_zero_at_every_date(rules: Path) -> None:
    path = rules / "programme" / "tiers.yml"
    change(path, "value: 0,", "value: 1,")
    with pytest.raises(Problem, match="lowest tier's threshold must be 0"):
        load_rule_books(rules, PROJECT)


@pytest.mark.parametrize(("threshold", "is_valid"), [(19999, True), (20000, False)])
def test_thresholds_rise_on_every_date_of_a_change(
    rules: Path, threshold: int, is_valid: bool
) -> None:
    path = rules / "programme" / "tiers.yml"
    new = f"value: 5000, {SOURCE}}}, {{from: 2025-07-01, value: {threshold},"
    line = change(path, "value: 5000,", new)
    if is_valid:
        conditions = compiled(rules, "tier_conditions")
        assert len([row for row in conditions if row["purpose"] == "reach"]) == 4
        return
    what = "growth_threshold of 'gold' on 2025-07-01 is 20000, 'silver' has"
    reason = rf"tiers\.yml:{line + 4}:43: {what}"
    with pytest.raises(Problem, match=reason):
        load_rule_books(rules, PROJECT)


def test_earning_is_cut_at_every_change_of_any_of_its_values(rules: Path) -> None:
    points, mall = rules / "programme" / "points.yml", rules / "businesses" / "mall.yml"
    change(points, "value: 100,", f"value: 100, {SOURCE}}}\n  - {{from: 2025-01-01, value: 80,")
    change(mall, "value: 100,", f"value: 100, {SOURCE}}}\n  - {{from: 2025-03-01, value: 130,")
    rows = [row for row in compiled(rules, "earning") if row["business"] == "mall"]
    found = [
        (
            row["valid_from_date"],
            row["valid_until_date"],
            row["points_per_10000_fen"],
            row["multiplier_percent"],
            row["rule_id"],
        )
        for row in rows
    ]
    january, march = date(2025, 1, 1), date(2025, 3, 1)
    assert found == [
        (date(2024, 1, 1), january, 100, 100, "earn/mall/2024-01-01"),
        (january, march, 80, 100, "earn/mall/2025-01-01"),
        (march, None, 80, 130, "earn/mall/2025-03-01"),
    ]


def test_a_benefit_is_valid_only_while_it_is_switched_on(rules: Path) -> None:
    path = rules / "programme" / "entitlements.yml"
    change(path, "value: true,", f"value: true, {SOURCE}}}, {{from: 2025-05-01, value: false,")
    rows = [r for r in compiled(rules, "benefits") if r["benefit"] == "mall_parking_hours"]
    assert [(row["valid_from_date"], row["valid_until_date"]) for row in rows] == [
        (date(2024, 1, 1), date(2025, 5, 1))
    ]


def test_a_pair_of_businesses_may_have_prices_of_its_own(rules: Path) -> None:
    path = rules / "programme" / "settlement.yml"
    exception = (
        "exceptions:\n"
        "  - issuer_business: mall\n"
        "    redeemer_business: hotel\n"
        "    point_type: points\n"  # the one that there is
        f"    issue_price_micro_fen_per_point: [{{from: 2025-01-01, value: 900000, {SOURCE}}}]\n"
        "    reimbursement_price_micro_fen_per_point:\n"
        f"      - {{from: 2025-01-01, value: 800000, {SOURCE}}}\n"
    )
    path.write_text(path.read_text(encoding="utf-8") + exception, encoding="utf-8")
    rows = compiled(rules, "settlement_prices")
    assert len(rows) == len(business_names(PROJECT) or []) ** 2  # issuer by redeemer
    own = [row for row in rows if row["issue_price_micro_fen"] != 1_000_000]
    assert [row["rule_id"] for row in own] == ["price/mall/hotel/2025-01-01"]
    assert own[0]["reimbursement_price_micro_fen"] == 800_000


def test_a_price_for_a_type_of_points_that_the_ledger_does_not_know_is_refused(rules: Path) -> None:
    path = rules / "programme" / "settlement.yml"
    text = path.read_text(encoding="utf-8")
    prices = f"[{{from: 2024-01-01, value: 800000, {SOURCE}}}]\n"
    path.write_text(
        f"{text}exceptions:\n  - issuer_business: mall\n    redeemer_business: hotel\n"
        f"    point_type: stars\n    issue_price_micro_fen_per_point: {prices}"
        f"    reimbursement_price_micro_fen_per_point: {prices}",
        encoding="utf-8",
    )
    reason = "the ledger knows one type of points, 'points'; a price of 'stars' would never be used"
    must_refuse(rules, path, text.count("\n") + 4, reason)


def test_compiled_tables_have_the_agreed_columns_and_the_same_bytes_again(
    rules: Path, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake")
    first = {}
    for _ in range(2):
        write_rules(lake, DAY, compile_rules(load_rule_books(rules, PROJECT)))
        again = {name: lake.raw("rules", name, DAY).read_bytes() for name in TABLES}
        assert first in ({}, again)
        first = again
    [fund] = read(lake.raw("rules", "fund", DAY))
    assert fund == {"party": "fund", "party_name": "集团积分基金"}
    excluded = read(lake.raw("rules", "excluded_channels", DAY))
    assert [(row["business"], row["channel"]) for row in excluded] == [("hotel", "agency")]
    tiers = read(lake.raw("rules", "tiers", DAY))
    assert [(row["tier"], row["tier_rank"]) for row in tiers] == [
        ("basic", 0),
        ("silver", 1),
        ("gold", 2),
        ("diamond", 3),
    ]


def test_the_command_shows_what_is_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--check"]) == 0
    shown = capsys.readouterr().out
    assert "points_per_10000_fen" in shown
    assert "集团积分基金" in shown
    assert main(["rules", "--check", "--date", "2023-12-31"]) == 0
    assert "earning: nothing in force" in capsys.readouterr().out


def test_terms_of_the_base_rate_are_compiled_by_business_and_stretch(rules: Path) -> None:
    path = rules / "businesses" / "mall.yml"
    first = f"{{from: 2026-03-01, value: {{earns_with_discount: false}}, {SOURCE}}}"
    second = f"{{from: 2026-04-01, value: {{most_points_per_order: 500}}, {SOURCE}}}"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}base_terms: [{first}, {second}]\n", encoding="utf-8")
    rows = [row for row in compiled(rules, "base_terms") if row["business"] == "mall"]
    march, april = date(2026, 3, 1), date(2026, 4, 1)
    assert [tuple(row.values()) for row in rows] == [
        ("mall", False, None, march, april),
        ("mall", True, 500, april, None),
    ]


def test_caps_of_a_day_and_a_month_are_compiled_where_there_are_any(rules: Path) -> None:
    values = ["points_per_day: 500", "most_points_per_order: 7", "points_per_month: 9"]
    terms = [
        f"{{from: 2026-0{month}-01, value: {{{value}}}, {SOURCE}}}"
        for month, value in enumerate(values, 3)
    ]
    path = rules / "businesses" / "mall.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}base_terms: [{', '.join(terms)}]\n", encoding="utf-8")
    rows = [row for row in compiled(rules, "base_caps") if row["business"] == "mall"]
    assert [tuple(row.values()) for row in rows] == [
        ("mall", 500, None, date(2026, 3, 1), date(2026, 4, 1)),
        ("mall", None, 9, date(2026, 5, 1), None),
    ]
    assert [row["most_points_per_order"] for row in compiled(rules, "base_terms")][:3] == [
        None, 7, None,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["points_per_day", "points_per_month"])
def test_a_cap_of_the_base_rate_below_one_point_is_refused_with_its_line(
    rules: Path, name: str
) -> None:
    path = rules / "businesses" / "mall.yml"
    text = path.read_text(encoding="utf-8")
    term = f"{{from: 2026-03-01, value: {{{name}: 0}}, {SOURCE}}}"
    path.write_text(f"{text}base_terms: [{term}]\n", encoding="utf-8")
    must_refuse(rules, path, len(text.splitlines()) + 1, "greater than or equal to 1")


def test_terms_of_the_base_rate_that_say_nothing_known_are_refused(rules: Path) -> None:
    path = rules / "businesses" / "mall.yml"
    text = path.read_text(encoding="utf-8")
    term = f"{{from: 2026-03-01, value: {{most_points: 500}}, {SOURCE}}}"
    path.write_text(f"{text}base_terms: [{term}]\n", encoding="utf-8")
    with pytest.raises(Problem, match=r"mall\.yml:\d+:\d+: .*most_points"):
        load_rule_books(rules, PROJECT)


@pytest.mark.parametrize("stopped_after", [0, 1])
def test_rules_of_an_earlier_release_get_the_columns_of_this_one(
    rules: Path, tmp_path: Path, stopped_after: int
) -> None:
    lake, tables = Lake(tmp_path / "lake"), compile_rules(load_rule_books(rules, PROJECT))
    earlier = tables["expiry"].drop_columns(["business"]).append_column("gone", tables["expiry"][0])
    nights = [date(2026, 10, 26), date(2026, 10, 27), DAY]
    for night in nights[:2]:
        write_rules(lake, night, {"expiry": earlier})
    for night in nights[2 - stopped_after : 2]:  # as a load that was killed left them
        write_parquet(tables["expiry"], lake.raw("rules", "expiry", night))
    write_rules(lake, DAY, {"expiry": tables["expiry"]})
    kept = [pq.read_table(lake.raw("rules", "expiry", each), partitioning=None) for each in nights]
    assert [table.schema for table in kept] == [tables["expiry"].schema] * 3
    assert kept[0]["model"] == kept[2]["model"]
    assert kept[0]["business"].null_count == kept[0].num_rows
