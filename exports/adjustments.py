"""Which line of which earlier month a settlement line corrects: a view in every publication."""

import duckdb

from exports.views import write_view

NAME = "settlement_adjustments"
DESCRIPTION = (
    "调整 one row for each settlement line of a month that was over when it was posted, with the "
    "line of an earlier posting that it corrects; settled_as says whether it is an adjustment of a "
    "later month or is taken into its own one, by grace or restatement."
)
# From the closest: the same entry posted before, another posting of the same movement of the same
# activity (other lots, other prices), the movement that a refund or a return takes back.
# Of an entry that two parties pay for, the line of the one corrects that of the same one; of an
# order of several merchants, the line of one corrects that of the same one.
IS_OF_OTHERS = """
    (late.movement_type like '%_top_up') <> (other.movement_type like '%_top_up') as is_other_share,
    least(late.payer_party, late.payee_party) <> least(other.payer_party, other.payee_party)
        or greatest(late.payer_party, late.payee_party)
        <> greatest(other.payer_party, other.payee_party) as is_other_pair
"""
# A refund takes back the movement that it is named after, a claw-back or a restored redemption one
# of points.
IS_TAKEN_BACK = """
    case
        when late.movement_type like '%_refund'
            then other.movement_type = replace(late.movement_type, '_refund', '')
        else other.movement_type in (
            'accrual', 'release', 'redemption', 'redemption_top_up', 'redemption_debt')
    end
"""
QUERY = """
    with lines as (
        select lines.*, coalesce(entries.entry_key, lines.entry_id) as entry_key
        from {lines} as lines
        left join {entries} as entries on lines.entry_id = entries.entry_id
    ),
    late as (
        select lines.*, activities.reverses_activity_id
        from lines
        left join {activities} as activities on lines.activity_id = activities.activity_id
        where lines.origin_month < date_trunc('month', lines.posted_date)
    ),
    earlier as (
        select late.line_id, 1 as distance, 'same_entry' as corrects,
            IS_OF_OTHERS, other.*
        from late inner join lines as other
            on late.entry_key = other.entry_key and other.posted_date < late.posted_date
        union all
        select late.line_id, 2, 'same_activity', IS_OF_OTHERS, other.*
        from late inner join lines as other
            on late.activity_id = other.activity_id
            and late.movement_type = other.movement_type
            and other.posted_date < late.posted_date
        union all
        select late.line_id, 3, 'reversed_activity', IS_OF_OTHERS, other.*
        from late inner join lines as other
            on late.reverses_activity_id = other.activity_id
            and IS_TAKEN_BACK
            and other.posted_date < late.posted_date
    ),
    closest as (
        select *
        from earlier as e(
            line_id, distance, corrects, is_other_share, is_other_pair, corrected_line_id)
        qualify row_number() over (
            partition by line_id
            order by distance, is_other_share, is_other_pair, posted_date desc, corrected_line_id
        ) = 1
    )
    select
        late.line_id, late.posted_date, late.period_month, late.business_date, late.origin_month,
        late.movement_type, late.payer_party, late.payee_party, late.points, late.amount_fen,
        late.is_reversal, late.activity_id,
        case when late.period_month = late.origin_month then 'own_month' else 'adjustment' end
            as settled_as,
        coalesce(closest.corrects, 'nothing_posted_before') as corrects,
        closest.corrected_line_id,
        closest.period_month as corrected_period_month,
        closest.amount_fen as corrected_amount_fen
    from late
    left join closest on late.line_id = closest.line_id
""".replace("IS_OF_OTHERS", IS_OF_OTHERS).replace("IS_TAKEN_BACK", IS_TAKEN_BACK)
VIEW = QUERY.format(
    lines="fct_settlement_lines", entries="fct_points_entries", activities="fct_activities"
)
READ = {"fct_settlement_lines", "fct_points_entries", "fct_activities"}


def write_adjustments(database: duckdb.DuckDBPyConnection) -> None:
    """Make the view in a database of marts, if it holds those that it reads."""
    write_view(database, NAME, VIEW, DESCRIPTION, READ)
