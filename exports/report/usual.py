"""What came and what was posted tonight, beside the median of the nights before.

A source that delivers a third of what it does as a rule, or three times as much, breaks no rule of
its own; somebody should look all the same.
"""

from datetime import date

import duckdb

COMPARED_NIGHTS = 7
FEWEST_NIGHTS = 3  # before that nothing is usual yet
TIMES = 3
LITTLE = 20  # rows; a difference below it is no news
QUERY = f"""
    with figures as (
        select '输入行数 ' || source as figure, load_date as night, sum(row_count)::bigint as value
        from fct_load_reconciliation group by source, load_date
        union all
        select '积分分录 ' || entry_type, posted_date, count(*)
        from fct_points_entries where not is_reversal group by entry_type, posted_date
        union all
        select '结算明细行 ' || movement_type, posted_date, count(*)
        from fct_settlement_lines where not is_reversal group by movement_type, posted_date
    ),
    nights as (
        select distinct load_date as night from fct_load_reconciliation where load_date < $date
        order by night desc limit {COMPARED_NIGHTS}
    ),
    usual as (
        select figure, quantile_disc(coalesce(value, 0), 0.5) as value
        from (select distinct figure from figures)
        cross join nights
        left join figures using (figure, night)
        group by figure
    )
    select figure, coalesce(tonight.value, 0), usual.value,
        abs(coalesce(tonight.value, 0) - usual.value) < {LITTLE}
        or (
            coalesce(tonight.value, 0) <= {TIMES} * usual.value
            and usual.value <= {TIMES} * coalesce(tonight.value, 0)
        )
    from usual
    left join (from figures where night = $date) as tonight using (figure)
    where (select count(*) from nights) >= {FEWEST_NIGHTS}
        and greatest(coalesce(tonight.value, 0), usual.value) > 0
    order by figure
"""


def beside_usual(
    connection: duckdb.DuckDBPyConnection, night: date
) -> list[tuple[str, int, int, bool]]:
    """Figure, its value tonight, the median of the nights before, whether that is usual; nothing
    while there are too few nights before.
    """
    return connection.execute(QUERY, {"date": night}).fetchall()
