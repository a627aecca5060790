"""Third-party sets as deliveries: hand-made rows with hand-worked values, then the real sets."""

import json
import os
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingest import connectors
from ingest.connectors import (
    common,
    completejourney,
    deliver,
    meter_payments,
    offer_transcript,
    online_retail,
    resort_bookings,
)
from ingest.core.contract import load_source, source_names
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.settings import PROJECT, load_settings
from ingest.readers import read_rows

CUT_OFF = time(4)
DATA = Path(os.environ.get("MEMBER_DATA") or PROJECT.parent / "shared" / "data")
DBT_PROJECT = load_settings().dbt_project


def dicts(frame: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return frame.select(columns).rows()


# Whole weeks and business dates


@pytest.mark.parametrize(
    ("last_night", "weeks"),
    [
        (date(2026, 9, 26), 455),
        (date(2026, 9, 27), 456),
        (date(2026, 9, 30), 456),
        (date(2026, 10, 3), 456),
        (date(2026, 10, 4), 457),
        (date(2017, 12, 31), 0),
        (date(2017, 12, 30), -1),
    ],
)
def test_a_set_moves_by_whole_weeks_up_to_the_last_night(last_night: date, weeks: int) -> None:
    sunday = date(2017, 12, 31)
    shift = common.whole_weeks(sunday, last_night)
    assert shift == weeks * 7
    assert timedelta(0) <= last_night - (sunday + timedelta(days=shift)) < timedelta(days=7)


def test_a_row_before_the_cut_off_belongs_to_the_day_before() -> None:
    moments = pl.DataFrame({"at": [datetime(2026, 9, 2, 3, 59, 59), datetime(2026, 9, 2, 4, 0, 0)]})
    days = moments.select(common.business_date("at", CUT_OFF)).to_series().to_list()
    assert days == [date(2026, 9, 1), date(2026, 9, 2)]


def test_the_wall_clock_follows_summer_time() -> None:
    utc = pl.DataFrame({"at": [datetime(2017, 1, 1, 4, 30), datetime(2017, 7, 1, 4, 30)]})
    local = utc.select(common.wall_clock("at", "America/New_York")).to_series().to_list()
    assert local == [datetime(2016, 12, 31, 23, 30), datetime(2017, 7, 1, 0, 30)]


def test_an_account_balances_only_if_every_row_and_every_fen_is_in_it() -> None:
    account = common.SetAccount("f", rows=3, used=2, left_out={"no money": 1})
    assert account.is_balanced
    assert not common.SetAccount("f", rows=3, used=2).is_balanced
    assert not common.SetAccount("f", 1, 1, amount_fen=100, written_fen=99).is_balanced


# Point of sale


def receipts(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Rows of (basket, household, product, quantity, sales, retail, coupon, match, UTC)."""
    columns = [
        "basket_id",
        "household_id",
        "product_id",
        "quantity",
        "sales_value",
        "retail_disc",
        "coupon_disc",
        "coupon_match_disc",
        "transaction_timestamp",
    ]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(store_id=330)


NOON = datetime(2017, 3, 1, 17, 0)  # 12:00 in New York


def lines_of(*rows: tuple[object, ...], vouchers: dict[int, str] | None = None) -> pl.DataFrame:
    lines = completejourney.receipt_lines(receipts(*rows), CUT_OFF)
    numbers = pl.Series(list((vouchers or {}).keys()), dtype=lines.schema["row"])
    known = pl.DataFrame(
        {"row": numbers, "voucher_no": list((vouchers or {}).values())},
        schema_overrides={"voucher_no": pl.String},
    )
    return lines.join(known, on="row", how="left", maintain_order="left")


PRODUCTS = pl.DataFrame(
    {
        "product_id": [7, 8],
        "department": ["GROCERY", "MISC"],
        "product_category": ["SOUP", None],
        "product_type": ["TOMATO SOUP", None],
        "package_size": ["10 OZ", None],
    }
)


def test_list_price_is_what_the_retailer_gets_plus_its_own_discounts() -> None:
    # ¥2.00 received after ¥0.50 card discount and ¥0.30 coupon match: the shelf said ¥2.80.
    lines = lines_of((1, 900, 7, 2, 2.0, 0.5, 0.3, 0.3, NOON))
    sales = completejourney.sales(lines, PRODUCTS)
    assert dicts(sales, "list_fen", "discount_fen", "paid_fen") == [(280, 80, 200)]
    assert dicts(sales, "receipt_no", "line_no", "store_no", "merchant_id", "member_no") == [
        ("1", 1, "330", "330", "900")
    ]
    assert dicts(sales, "product_name", "category") == [("TOMATO SOUP 10 OZ", "SOUP")]


def test_amounts_that_binary_fractions_miss_become_exact_fen() -> None:
    lines = lines_of((1, 900, 7, 1, 1.15, 0.29, 0.0, 0.0, NOON))
    assert dicts(lines, "paid_fen", "discount_fen") == [(115, 29)]


def test_a_coupon_is_a_voucher_tender_and_the_card_pays_the_rest() -> None:
    # Due 2.00 + 5.00; coupons of 0.30 (known) and 1.00 (unknown): card 5.70.
    lines = lines_of(
        (1, 900, 7, 1, 2.0, 0.0, 0.3, 0.0, NOON),
        (1, 900, 8, 1, 5.0, 0.0, 1.0, 0.0, NOON),
        vouchers={0: "51380041013"},
    )
    tenders = completejourney.tenders(lines)
    assert dicts(tenders, "tender_no", "tender_type", "amount_fen", "voucher_no") == [
        (1, "card", 570, None),
        (2, "voucher", 30, "51380041013"),
        (3, "voucher", 100, None),
    ]


def test_coupons_pay_no_more_than_the_receipt_came_to() -> None:
    # Due 1.39; coupons A 1.00 and B 1.00: A pays 1.00, B 0.39, 0.61 of B is lost, no card.
    lines = lines_of(
        (1, 900, 7, 1, 1.39, 0.0, 1.0, 0.0, NOON),
        (1, 900, 8, 0, 0.0, 0.0, 1.0, 0.0, NOON),
        vouchers={0: "A", 1: "B"},
    )
    tenders = completejourney.tenders(lines)
    assert dicts(tenders, "tender_no", "tender_type", "amount_fen", "voucher_no") == [
        (1, "voucher", 100, "A"),
        (2, "voucher", 39, "B"),
    ]


def test_a_receipt_of_nothing_keeps_its_lines_and_has_no_tender() -> None:
    lines = lines_of((1, 900, 5978656, 0, 0.0, 0.0, 2.0, 0.0, NOON))
    assert dicts(completejourney.sales(lines, PRODUCTS), "quantity", "paid_fen") == [(0, 0)]
    assert completejourney.tenders(lines).height == 0


def test_a_product_without_a_description_keeps_its_number_as_its_name() -> None:
    lines = lines_of(
        (1, 900, 8, 1, 1.0, 0.0, 0.0, 0.0, NOON), (1, 900, 99, 1, 1.0, 0.0, 0.0, 0.0, NOON)
    )
    sales = completejourney.sales(lines, PRODUCTS)
    assert dicts(sales, "line_no", "product_name", "category") == [
        (1, "商品8", "MISC"),
        (2, "商品99", None),
    ]


def test_lines_are_numbered_within_their_receipt_and_dated_by_the_stores_clock() -> None:
    after_midnight = datetime(2017, 3, 2, 6, 30)  # 01:30 in New York
    lines = lines_of(
        (2, 901, 7, 1, 1.0, 0.0, 0.0, 0.0, after_midnight),
        (1, 900, 7, 1, 1.0, 0.0, 0.0, 0.0, NOON),
        (2, 901, 8, 1, 1.0, 0.0, 0.0, 0.0, after_midnight),
    )
    assert dicts(lines, "receipt_no", "line_no", "sold_at", "delivery_date") == [
        ("1", 1, datetime(2017, 3, 1, 12, 0), date(2017, 3, 1)),
        ("2", 1, datetime(2017, 3, 2, 1, 30), date(2017, 3, 1)),
        ("2", 2, datetime(2017, 3, 2, 1, 30), date(2017, 3, 1)),
    ]


def test_a_coupon_is_known_if_one_redeemed_that_day_fits_the_product_and_no_second() -> None:
    lines = completejourney.receipt_lines(
        receipts(
            (1, 900, 7, 1, 2.0, 0.0, 1.0, 0.0, NOON),  # only coupon 51 fits
            (1, 900, 8, 1, 2.0, 0.0, 1.0, 0.0, NOON),  # coupons 51 and 52 fit: unknown
            (1, 900, 9, 1, 2.0, 0.0, 1.0, 0.0, NOON),  # none fits
            (1, 900, 7, 1, 2.0, 0.0, 0.0, 0.0, NOON),  # no coupon used
            (2, 901, 7, 1, 2.0, 0.0, 1.0, 0.0, NOON),  # redeemed on another day
        ),
        CUT_OFF,
    )
    days = [datetime(2017, 3, 1), datetime(2017, 3, 1), datetime(2017, 3, 2)]
    redemptions = pl.DataFrame(
        {
            "household_id": [900, 900, 901],
            "coupon_upc": [51, 52, 51],
            "campaign_id": [1, 1, 1],
            "redemption_date": days,
        }
    )
    coupons = pl.DataFrame(
        {"coupon_upc": [51, 51, 51, 52], "product_id": [7, 7, 8, 8], "campaign_id": [1, 1, 1, 1]}
    )
    known = completejourney.voucher_numbers(lines, redemptions, coupons)
    assert known.rows() == [(0, "01-51")]


def test_members_and_stores_are_delivered_with_their_first_receipt() -> None:
    later = NOON + timedelta(days=3)
    lines = lines_of(
        (2, 900, 7, 1, 1.0, 0.0, 0.0, 0.0, later),
        (1, 900, 7, 1, 1.0, 0.0, 0.0, 0.0, NOON),
        (3, 12, 7, 1, 1.0, 0.0, 0.0, 0.0, later),
    )
    first, third = date(2017, 3, 1), date(2017, 3, 4)
    assert completejourney.members(lines).rows() == [
        ("900", "CJ000900", first, False, first),
        ("12", "CJ000012", third, False, third),
    ]
    assert completejourney.merchants(lines).rows() == [("330", "超市330号店", "超市", first)]


# Hotel


def booking(**changes: object) -> pl.DataFrame:
    row: dict[str, object] = {
        "ArrivalDateYear": 2017,
        "ArrivalDateMonth": "August",
        "ArrivalDateDayOfMonth": 30,
        "LeadTime": 29,
        "StaysInWeekendNights": 2,
        "StaysInWeekNights": 3,
        "ADR": 79.51,
        "MarketSegment": "Online TA",
        "DistributionChannel": "TA/TO",
        "Agent": "        240",
        "ReservedRoomType": "A               ",
        "ReservationStatus": "Check-Out",
        "ReservationStatusDate": datetime(2017, 9, 4),
    }
    return resort_bookings.bookings(pl.DataFrame({**row, **changes}, orient="row"))


def test_a_checked_out_booking_is_reservation_stay_and_folio_of_rate_times_nights() -> None:
    booked = booking()
    left = date(2017, 9, 4)
    assert resort_bookings.guests(booked).rows() == [
        ("G000001", date(2017, 8, 1), False, left),
    ]
    assert resort_bookings.reservations(booked).rows() == [
        ("R000001", "G000001", "agency", "A240", date(2017, 8, 30), left, "A", "checked_out", left)
    ]
    stay = resort_bookings.stays(booked)
    assert dicts(stay, "check_in_at", "check_out_at", "night_count", "audit_date") == [
        (datetime(2017, 8, 30, 15), datetime(2017, 9, 4, 12), 5, left)
    ]
    folio = resort_bookings.folios(booked)  # 5 nights at ¥79.51
    assert dicts(folio, "gross_fen", "discount_fen", "paid_fen") == [(39755, 0, 39755)]
    assert dicts(folio, "folio_no", "stay_no", "closed_at", "audit_date") == [
        ("F000001", "S000001", datetime(2017, 9, 4, 12), left)
    ]


@pytest.mark.parametrize(("status", "word"), [("Canceled", "cancelled"), ("No-Show", "no_show")])
def test_a_booking_that_nobody_slept_in_is_only_a_reservation(status: str, word: str) -> None:
    booked = booking(ReservationStatus=status, ReservationStatusDate=datetime(2017, 8, 20))
    assert dicts(
        resort_bookings.reservations(booked), "status", "departure_date", "delivery_date"
    ) == [(word, date(2017, 9, 4), date(2017, 8, 20))]
    assert resort_bookings.stays(booked).height == 0
    assert resort_bookings.folios(booked).height == 0


def test_day_use_ends_after_it_began_and_costs_nothing() -> None:
    booked = booking(
        StaysInWeekendNights=0,
        StaysInWeekNights=0,
        ReservationStatusDate=datetime(2017, 8, 30),
    )
    stay = resort_bookings.stays(booked)
    assert dicts(stay, "check_in_at", "check_out_at", "night_count") == [
        (datetime(2017, 8, 30, 15), datetime(2017, 8, 30, 18), 0)
    ]
    assert dicts(resort_bookings.folios(booked), "paid_fen") == [(0,)]


def test_odd_rates_and_unknown_words_pass_as_they_are() -> None:
    assert dicts(resort_bookings.folios(booking(ADR=-6.38)), "paid_fen") == [(-3190,)]
    odd = booking(DistributionChannel="Carrier pigeon", ReservationStatus="Lost")
    assert dicts(odd, "channel", "status") == [("Carrier pigeon", "Lost")]


@pytest.mark.parametrize(
    ("channel", "segment", "word"),
    [
        ("TA/TO", "Direct", "agency"),
        ("Direct", "Online TA", "direct"),
        ("Corporate", "Groups", "corporate"),
        ("Undefined", "Direct", "direct"),
        ("Undefined", "Offline TA/TO", "agency"),
    ],
)
def test_the_channel_is_the_distribution_channel_or_else_the_market_segment(
    channel: str, segment: str, word: str
) -> None:
    assert booking(DistributionChannel=channel, MarketSegment=segment)["channel"].to_list() == [
        word
    ]


def test_a_booking_without_an_agent_has_no_agent_code() -> None:
    assert booking(Agent="       NULL")["agent_code"].to_list() == [None]


# Car parks


def meter_rows(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Rows of (record, plate, total, status, kind, end in UTC); the start follows the tariff."""
    columns = [
        "recordid",
        "licenseplateanon",
        "total",
        "transactionstatus",
        "transactiontype",
        "time",
    ]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    bought = pl.duration(seconds=(pl.col("total") * 2000).round().cast(pl.Int64))
    return frame.with_columns(
        (pl.col("time") - bought).alias("start_time"), spacename=pl.lit("MS12")
    )


END = datetime(2017, 9, 15, 19, 32, 19)  # 15:32:19 in Charlottesville


def test_money_makes_a_session_that_lasts_twenty_seconds_a_fen() -> None:
    paid = meter_payments.sessions_paid(
        meter_rows((2, "7086", 1.8, "Approved", "Credit Card", END)), CUT_OFF
    )
    began, ended = datetime(2017, 9, 15, 14, 32, 19), datetime(2017, 9, 15, 15, 32, 19)
    day = date(2017, 9, 15)
    assert meter_payments.sessions(paid).rows() == [
        ("S000002", "MS12", "ANON7086", began, ended, day)
    ]
    assert meter_payments.payments(paid).rows() == [("P000002", "S000002", began, 180, 0, day)]
    assert meter_payments.vehicles(paid).rows() == [("V7086", "ANON7086", day, False, day)]


def test_coins_need_no_approval_and_a_meter_without_plates_binds_no_vehicle() -> None:
    paid = meter_payments.sessions_paid(meter_rows((3, "N/A", 0.25, "", "Coins", END)), CUT_OFF)
    assert dicts(meter_payments.sessions(paid), "session_no", "plate_no") == [("S000003", "N/A")]
    assert meter_payments.vehicles(paid).height == 0


def test_rows_without_money_are_counted_by_reason_and_give_no_session() -> None:
    raw = meter_rows(
        (1, "11", 0.0, "Declined", "Credit Card", END),
        (2, "11", 0.0, "Declined", "Credit Card", END),
        (3, "N/A", 0.0, "", "Maint. Credit ", END),
        (4, "11", 0.01, "", "Coins", END),
    )
    assert meter_payments.unpaid_reasons(raw) == {
        "no money: Credit Card, Declined": 2,
        "no money: Maint. Credit, no status": 1,
    }
    assert meter_payments.sessions_paid(raw, CUT_OFF)["number"].to_list() == ["000004"]


def test_a_plate_is_bound_on_the_first_day_that_it_is_seen() -> None:
    raw = meter_rows(
        (1, "11", 1.0, "", "Coins", END + timedelta(days=1)), (2, "11", 1.0, "", "Coins", END)
    )
    vehicles = meter_payments.vehicles(meter_payments.sessions_paid(raw, CUT_OFF))
    assert dicts(vehicles, "vehicle_id", "bound_date") == [("V11", date(2017, 9, 15))]


# Mini-program


def transcript_of(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Rows of (person, event, hours, offer under `offer id`, offer under `offer_id`, …)."""
    columns = ["person", "event", "time", "offer id", "offer_id", "amount", "reward"]
    types = {"offer id": pl.String, "offer_id": pl.String, "amount": pl.Float64, "reward": pl.Int64}
    frame = pl.DataFrame(rows, schema=columns, schema_overrides=types, orient="row")
    value = pl.struct("offer id", "amount", "offer_id", "reward").alias("value")
    return frame.select("person", "event", value, "time")


def test_a_transaction_is_an_order_and_offers_are_events_of_the_day_they_began() -> None:
    raw = transcript_of(
        ("p1", "offer received", 0, "O1", None, None, None),
        ("p1", "offer viewed", 23, "O1", None, None, None),
        ("p1", "transaction", 24, None, None, 34.56, None),
        ("p1", "offer completed", 24, None, "O1", None, 5),
    )
    rows = offer_transcript.dated_rows(raw, date(2018, 7, 27), CUT_OFF)
    began, later = datetime(2018, 7, 27, 4), datetime(2018, 7, 28, 4)
    first, second = began.date(), later.date()
    # The second row is 23 hours in: 03:00 of the next morning, before the cut-off.
    assert offer_transcript.events(rows).rows() == [
        ("E000001", "p1", "offer_received", began, None, "O1", None, first),
        ("E000002", "p1", "offer_viewed", datetime(2018, 7, 28, 3), None, "O1", None, first),
        ("E000004", "p1", "offer_completed", later, "O1", None, 500, second),
    ]
    assert offer_transcript.orders(rows).rows() == [("T000003", "p1", later, 3456, 3456, second)]


def test_an_amount_of_three_decimals_is_refused_and_float_noise_is_not() -> None:
    noisy = transcript_of(("p1", "transaction", 0, None, None, 0.1 + 0.2, None))
    rows = offer_transcript.dated_rows(noisy, date(2018, 7, 27), CUT_OFF)
    assert offer_transcript.orders(rows)["paid_fen"].to_list() == [30]
    third = transcript_of(("p1", "transaction", 0, None, None, 1.005, None))
    with pytest.raises(Problem, match="more than two decimals"):
        offer_transcript.dated_rows(third, date(2018, 7, 27), CUT_OFF)


def test_a_profile_is_a_user_of_known_gender_or_none() -> None:
    days = ["20170212", "20170211", "20170213", "20170214"]
    profile = pl.DataFrame(
        {
            "gender": ["F", "M", "O", None],
            "age": [55, 40, 33, 118],
            "id": ["a", "b", "c", "d"],
            "became_member_on": days,
            "income": [1, 2, 3, None],
        }
    )
    users = offer_transcript.users(profile)
    assert dicts(users, "user_id", "gender", "registered_date") == [
        ("b", "male", date(2017, 2, 11)),
        ("a", "female", date(2017, 2, 12)),
        ("c", None, date(2017, 2, 13)),
        ("d", None, date(2017, 2, 14)),
    ]


def test_both_spellings_of_a_header_are_read_through_the_contract(tmp_path: Path) -> None:
    raw = transcript_of(
        ("p1", "offer viewed", 0, "O1", None, None, None),
        ("p1", "offer completed", 0, None, "O2", None, 2),
    )
    night = date(2018, 7, 27)
    rows = offer_transcript.dated_rows(raw, night, CUT_OFF)
    source = load_source(DBT_PROJECT, "miniprogram")
    deliver(Lake(tmp_path), source, [night], {"events": offer_transcript.events(rows)})
    path = tmp_path / "landing" / "miniprogram" / "2018-07-27" / "events_20180727.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write('{"event_id": "E3", "offer id": "O3"}\n{"event_id": "E4", "offer_id": "O4"}\n')
    [read] = read_rows(source.table("events"), path)
    assert read.broken == ()
    assert dicts(read.frame, "event_id", "offer_id") == [
        ("E000001", "O1"),
        ("E000002", "O2"),
        ("E3", "O3"),
        ("E4", "O4"),
    ]


# Deliveries


def test_the_first_night_carries_the_history_and_each_other_night_its_own_rows(
    tmp_path: Path,
) -> None:
    nights = [date(2026, 9, 1), date(2026, 9, 2), date(2026, 9, 3)]
    merchants = pl.DataFrame(
        {
            "merchant_id": ["old", "first", "third"],
            "delivery_date": [date(2024, 2, 29), date(2026, 9, 1), date(2026, 9, 3)],
        }
    )
    deliver(Lake(tmp_path), load_source(DBT_PROJECT, "pos"), nights, {"merchants": merchants})
    folder = tmp_path / "landing" / "pos"
    ids = {
        path.parent.name: [row.split(",")[0] for row in path.read_text("gb18030").split()[1:]]
        for path in folder.glob("*/商户档案_*.csv")
    }
    assert ids == {"2026-09-01": ["old", "first"], "2026-09-02": [], "2026-09-03": ["third"]}


def test_a_row_after_the_last_night_is_never_lost_in_silence(tmp_path: Path) -> None:
    late = pl.DataFrame({"merchant_id": ["late"], "delivery_date": [date(2026, 9, 2)]})
    source = load_source(DBT_PROJECT, "pos")
    with pytest.raises(ValueError, match=r"pos\.merchants has rows after the last night"):
        deliver(Lake(tmp_path), source, [date(2026, 9, 1)], {"merchants": late})


# Errors that a person sees


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "/no/such/folder"], "/no/such/folder is no folder; --data must name"),
        (["--data", "/", "--from", "2026-02-30"], "--from '2026-02-30' is not a date"),
        (["--data", "/", "--nights", "0"], "--nights '0' must be a whole number from 1 to 366"),
        (["--data", "/", "--nights", "x"], "--nights 'x' must be a whole number"),
    ],
)
def test_wrong_arguments_end_in_one_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(Problem, match=message):
        connectors.main([*arguments, "--lake", str(tmp_path)])


def test_a_folder_without_the_sets_says_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"resort_bookings\.parquet is missing"):
        connectors.main(["--data", str(tmp_path), "--lake", str(tmp_path / "lake")])


def test_another_set_under_the_same_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hotel" / "resort_bookings.parquet"
    path.parent.mkdir()
    pl.DataFrame({"colour": ["red"]}).write_parquet(path)
    with pytest.raises(Problem, match="data for hotel is not the expected set"):
        connectors.main(["--data", str(tmp_path), "--lake", str(tmp_path / "lake")])
    path.write_bytes(b"no parquet")
    with pytest.raises(Problem, match="cannot be read as Parquet"):
        connectors.main(["--data", str(tmp_path), "--lake", str(tmp_path / "lake")])


def test_a_lake_with_another_groups_deliveries_is_refused(tmp_path: Path) -> None:
    (tmp_path / "landing" / "pos" / "2025-01-01").mkdir(parents=True)
    with pytest.raises(Problem, match="2025-01-01 is a delivery of another group"):
        connectors.main(["--data", str(tmp_path), "--lake", str(tmp_path)])


# Invoices of a web shop


def test_an_invoice_line_is_as_the_set_has_it_with_its_amount_and_night() -> None:
    raw = pl.DataFrame(
        {
            "InvoiceNo": ["536365", "C536379"],
            "StockCode": ["85123A", "D"],
            "Description": ["WHITE HANGING HEART", None],
            "Quantity": [6.0, -1.0],
            "InvoiceDate": [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 2, 3, 59)],
            "UnitPrice": [2.55, 27.5],
            "CustomerID": [17850.0, None],
            "Country": ["United Kingdom", "United Kingdom"],
        }
    )
    lines = online_retail.invoice_lines(raw, CUT_OFF)
    assert dicts(lines, "invoice_no", "quantity", "unit_price", "amount_fen", "customer_id") == [
        ("536365", 6, "2.55", 1530, "17850"),
        ("C536379", -1, "27.5", -2750, None),
    ]
    assert lines["delivery_date"].to_list() == [date(2010, 12, 1)] * 2
    assert dicts(online_retail.customers(lines), "customer_id", "registered_date") == [
        ("17850", date(2010, 12, 1))
    ]


# The real sets


@pytest.fixture(scope="module")
def real_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if not DATA.is_dir():
        pytest.skip(f"no third-party data at {DATA}; set MEMBER_DATA to its folder")
    lake = tmp_path_factory.mktemp("real")
    assert connectors.main(["--data", str(DATA), "--lake", str(lake)]) == 0
    yield lake
    for path in lake.glob("landing/pos/*/*.csv"):
        path.unlink()  # 175 MB


def landed(lake: Path, source: str, table: str) -> pl.DataFrame:
    """All rows of one table over all nights, as a load reads them: text, canonical names."""
    contract = load_source(DBT_PROJECT, source).table(table)
    frames = []
    for folder in sorted((lake / "landing" / source).iterdir()):
        path = folder / contract.file_name(date.fromisoformat(folder.name))
        for rows in read_rows(contract, path):
            assert rows.broken == ()
            frames.append(rows.frame)
    return pl.concat(frames)


def yuan(column: str) -> pl.Expr:
    return pl.col(column).str.replace(".", "", literal=True).cast(pl.Int64)


def moment(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime()


@pytest.fixture(scope="module")
def real_sales(real_lake: Path) -> pl.DataFrame:
    return landed(real_lake, "pos", "sales").select(
        "receipt_no", "line_no", yuan("list_fen"), yuan("discount_fen"), yuan("paid_fen")
    )


def test_every_real_sale_line_is_landed_once_and_adds_up_to_the_fen(
    real_sales: pl.DataFrame,
) -> None:
    read = pl.read_parquet(DATA / "pos" / "completejourney" / "transactions.parquet")
    assert real_sales.height == read.height == 1_469_307
    assert real_sales.select("receipt_no", "line_no").n_unique() == read.height
    assert real_sales["paid_fen"].sum() == 459_603_958  # the set's sales_value: 4,596,039.58
    unequal = pl.col("list_fen") - pl.col("discount_fen") != pl.col("paid_fen")
    assert real_sales.filter(unequal).height == 0


def test_the_tenders_of_every_real_receipt_foot_to_the_fen(
    real_lake: Path, real_sales: pl.DataFrame
) -> None:
    tenders = landed(real_lake, "pos", "tenders")
    due = real_sales.group_by("receipt_no").agg(pl.col("paid_fen").sum())
    paid = tenders.group_by("receipt_no").agg(yuan("amount_fen").sum())
    footed = due.join(paid, on="receipt_no", how="full", coalesce=True).fill_null(0)
    assert footed.height == 155_848
    assert footed.filter(pl.col("paid_fen") != pl.col("amount_fen")).height == 0


def test_every_real_booking_is_landed_and_every_stay_has_its_bill(real_lake: Path) -> None:
    folios = landed(real_lake, "hotel", "folios")
    assert landed(real_lake, "hotel", "reservations")["reservation_no"].n_unique() == 40_060
    assert landed(real_lake, "hotel", "guests")["guest_id"].n_unique() == 40_060
    assert landed(real_lake, "hotel", "stays")["stay_no"].n_unique() == 28_938
    assert folios["stay_no"].n_unique() == folios.height == 28_938
    assert folios.select(yuan("paid_fen").sum()).item() == 1_160_185_023


def test_every_real_parking_payment_is_landed_at_the_exact_tariff(real_lake: Path) -> None:
    sessions = landed(real_lake, "parking", "sessions")
    payments = landed(real_lake, "parking", "payments")
    joined = sessions.join(payments, on="session_no", validate="1:1").select(
        (moment("exited_at") - moment("entered_at")).dt.total_seconds().alias("seconds"),
        moment("exited_at").dt.date().alias("day"),
        pl.col("paid_fen").cast(pl.Int64),
    )
    assert joined.height == 9_516
    assert joined.filter(pl.col("seconds") != pl.col("paid_fen") * 20).height == 0
    assert joined["paid_fen"].sum() == 1_808_188  # the set's total: 18,081.88
    # The real September falls on the nights and keeps its weekdays: no session on a Sunday.
    assert (joined["day"].min(), joined["day"].max()) == (date(2026, 9, 1), date(2026, 9, 26))
    assert set(joined["day"].dt.weekday().unique()) == {1, 2, 3, 4, 5, 6}


def test_every_real_invoice_line_is_landed_once(real_lake: Path) -> None:
    lines = landed(real_lake, "outlet", "invoice_lines")
    key = ["invoice_no", "stock_code", "copy_no"]
    assert lines.height == lines.select(key).n_unique() == 541_909
    assert landed(real_lake, "outlet", "customers")["customer_id"].n_unique() == 4_372


def test_every_real_offer_and_transaction_is_landed_whatever_its_header(real_lake: Path) -> None:
    events = landed(real_lake, "miniprogram", "events")
    assert events["event_id"].n_unique() == events.height == 76_277 + 57_725 + 33_579
    assert events["offer_id"].null_count() == 0
    assert events["offer_id"].n_unique() == 10
    orders = landed(real_lake, "miniprogram", "orders")
    assert orders["order_no"].n_unique() == orders.height == 138_953
    assert orders.select(yuan("paid_fen").sum()).item() == 177_545_197  # 1,775,451.97
    users = landed(real_lake, "miniprogram", "users")
    assert users["user_id"].n_unique() == users.height == 17_000
    assert users["gender"].null_count() == 2_175 + 212  # nothing known; neither F nor M
    assert set(events["user_id"]) | set(orders["user_id"]) == set(users["user_id"])


def test_thirty_nights_are_delivered_by_every_source_and_property_is_empty(
    real_lake: Path,
) -> None:
    nights = [(date(2026, 9, 1) + timedelta(days=day)).isoformat() for day in range(30)]
    for source in source_names(DBT_PROJECT):
        folders = sorted((real_lake / "landing" / source).iterdir())
        assert [folder.name for folder in folders] == nights
    control = real_lake / "landing" / "property" / "2026-09-30" / "control_20260930.csv"
    assert control.read_text(encoding="utf-8-sig").splitlines()[1:] == [
        "units_20260930.csv,0,",
        "residents_20260930.csv,0,",
        "fee_bills_20260930.csv,0,0.00",
        "fee_payments_20260930.csv,0,0.00",
    ]


def test_the_reconciliation_accounts_for_every_row_of_every_file(real_lake: Path) -> None:
    document = json.loads((real_lake / "connect" / "reconciliation.json").read_text("utf-8"))
    assert {entry["source"]: entry["shift_weeks"] for entry in document["sets"]} == {
        "hotel": 471,
        "miniprogram": 422,
        "outlet": 772,
        "parking": 469,
        "pos": 456,
    }
    for entry in document["sets"]:
        read = pl.scan_parquet(DATA / entry["file"]).select(pl.len()).collect().item()
        assert read == entry["rows"] == entry["used"] + sum(entry["left_out"].values())
    [parking] = [entry for entry in document["sets"] if entry["source"] == "parking"]
    assert (parking["rows"], parking["used"], sum(parking["left_out"].values())) == (
        9_806,
        9_516,
        290,
    )
