"""差异与悬账: what of a month's nights waits for somebody, with its amount and age, as the mart
`fct_settlement_exceptions` lists it for everybody.
"""

from datetime import date

import duckdb

from exports.reader import read_rows
from exports.statements.figures import Row

# What is open stands however old it is; the rest in the month of the night that found it.
QUERY = """
    select
        exception_id,
        reason,
        business,
        merchant_id,
        business_date as first_seen_date,
        $cutoff - business_date as age_days,
        amount_fen,
        case_count,
        is_open,
        detail,
        case
            when reason = 'suspense' then '单据 ' || coalesce(document_no, '—')
            when reason = 'unmatched_refund'
                then '单据 ' || document_no || '，' || source_file || ' 第 ' || source_row || ' 行'
            when reason = 'quarantined_rows' then source_file || '：' || case_count || ' 行未入库'
            when reason = 'missing_delivery' then detail || ' ' || business_date || ' 未到'
            when points is not null then points || ' 积分'
            when instructed_fen is not null
                then '支付 ' || payment_no || '，接收方 ' || merchant_id
                || format('，分账指令 {:.2f} 元', instructed_fen / 100)
                || format('，分账账单 {:.2f} 元', bill_fen / 100)
            else '支付 ' || payment_no || format('，收银 {:.2f} 元', till_fen / 100)
                || format('，账单 {:.2f} 元', bill_fen / 100)
        end as note
    from fct_settlement_exceptions
    where business_date <= $through and (is_open or business_date >= $first)
    order by amount_fen desc nulls last, reason, exception_id
"""


def read_exceptions(
    connection: duckdb.DuckDBPyConnection, first: date, through: date, cutoff: date
) -> tuple[Row, ...]:
    """What was found in the nights from `first` through `through`; ages as of `cutoff`."""
    nights = {"first": first, "through": through, "cutoff": cutoff}
    return tuple(read_rows(connection, QUERY, nights))
