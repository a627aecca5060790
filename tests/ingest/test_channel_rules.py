"""The rule book of payment channels: mistakes named with file and line, and what it compiles to."""

from datetime import date
from pathlib import Path

import pytest

from tests.ingest.rule_books import compiled, must_refuse, must_refuse_spoiled

LIMITS = (
    "{most_per_10000: 3000, most_receivers: 50, most_requests: 49, "
    "split_within_days: 30, return_within_days: 180, most_subsidy_fen: 500000}"
)
BOOK = f"""channels:
  - channel: wechat
    channel_name: 微信支付
    split_limits:
      - from: 2026-01-01
        value: {LIMITS}
        source: Sheet
        approved_by: Somebody
      - from: 2026-03-01
        value: null
        source: Sheet
        approved_by: Somebody
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("most_per_10000: 3000", "most_per_10000: 0", 6, "greater than or equal to 1"),
        ("most_per_10000: 3000", "most_per_10000: 10001", 6, "less than or equal to 10000"),
        ("most_receivers: 50", "most_receivers: 0", 6, "greater than or equal to 1"),
        ("split_within_days: 30", "split_within_days: 0", 6, "greater than or equal to 1"),
        ("most_requests: 49", "most_requests: 0", 6, "greater than or equal to 1"),
        ("return_within_days: 180", "return_within_days: 0", 6, "greater than or equal to 1"),
        ("most_subsidy_fen: 500000", "most_subsidy_fen: 0", 6, "greater than or equal to 1"),
        ("most_receivers: 50", "most_receivers: 1.5", 6, "valid integer"),
        (", split_within_days: 30", "", 6, "split_within_days"),
        ("2026-03-01", "2026-01-01", 4, "must come after 2026-01-01"),
    ],
)
def test_spoiled_limits_are_refused_with_their_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = rules / "programme" / "channels.yml"
    must_refuse_spoiled(path, BOOK, old, new, line, reason)


def test_a_channel_that_is_described_twice_is_refused(rules: Path) -> None:
    path = rules / "programme" / "channels.yml"
    path.write_text(BOOK + BOOK.removeprefix("channels:\n"), encoding="utf-8")
    must_refuse(rules, path, 13, "'wechat' is described twice")


def test_limits_become_a_row_until_null_ends_them(rules: Path) -> None:
    (rules / "programme" / "channels.yml").write_text(BOOK, encoding="utf-8")
    assert compiled(rules, "split_limits") == [
        {
            "channel": "wechat",
            "channel_name": "微信支付",
            "most_per_10000": 3000,
            "most_receivers": 50,
            "most_requests": 49,
            "split_within_days": 30,
            "return_within_days": 180,
            "most_subsidy_fen": 500_000,
            "valid_from_date": date(2026, 1, 1),
            "valid_until_date": date(2026, 3, 1),
            "rule_id": "split/wechat/2026-01-01",
        }
    ]
