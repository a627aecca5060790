"""What the hotel's own club owed before the hotel joined the group, with what such lists get wrong.

The list is the same for every group, but for whose accounts stand in it, so that the totals that
`rules/programme/migrations.yml` says were signed hold for every group.
"""

from datetime import date

import polars as pl

CUT_OVER = date(2025, 12, 31)
UNKNOWN_ACCOUNT = "C0000017"  # a club card that the hotel's own system has never seen

# Place of the account among the oldest ones (NULL: nobody's), points, last day, tier of the club.
Line = tuple[int | None, int, date | None, str]
LINES: tuple[Line, ...] = (
    (0, 5_200, None, "白金会员"),
    (0, 1_800, date(2026, 6, 30), "白金会员"),
    (1, 4_400, None, "贵宾会员"),
    (2, 3_100, date(2026, 11, 30), "贵宾会员"),
    (3, 2_750, None, "贵宾会员"),
    (4, 2_500, date(2026, 3, 31), "普通会员"),
    (5, 2_400, None, "普通会员"),
    (6, 2_300, None, "普通会员"),
    (7, 2_200, date(2026, 12, 31), "普通会员"),
    (8, 2_100, None, "普通会员"),
    (9, 2_000, None, "贵宾会员"),
    (10, 1_900, date(2026, 10, 31), "普通会员"),
    (11, 1_750, None, "普通会员"),
    (12, 0, None, "白金会员"),
    (13, 3_600, None, "黑金会员"),  # a tier that nobody has mapped
    (7, 2_200, date(2026, 12, 31), "普通会员"),  # line 9 once more
    (14, -350, None, "普通会员"),
    (15, 1_500, CUT_OVER, "普通会员"),  # lapsed with the cut-over date
    (None, 950, None, "普通会员"),
)
ACCOUNT_COUNT = 16


def legacy_balances(account_ids: pl.Series) -> pl.DataFrame:
    """The signed list, for the oldest accounts before the cut-over; shorter if there are fewer."""
    ids = account_ids.to_list()
    lines = [line for line in LINES if line[0] is None or line[0] < len(ids)]
    return pl.DataFrame(
        {
            "line_no": list(range(1, len(lines) + 1)),
            "guest_id": [UNKNOWN_ACCOUNT if place is None else ids[place] for place, *_ in lines],
            "points": [points for _, points, *_ in lines],
            "expires_on_date": pl.Series([last for *_, last, _ in lines], dtype=pl.Date),
            "tier_name": [tier for *_, tier in lines],
            "as_of_date": [CUT_OVER] * len(lines),
        }
    )
