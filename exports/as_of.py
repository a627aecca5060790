"""Two time axes: table macros in every publication, by business date and by what was known when.

`on_date` says up to which business date things count, `known_date` up to which night's postings.
What we told somebody on 3 March is (3 March, 3 March); what was true on 3 March, as known today, is
(3 March, today). `points_differences` lists what lies between two nights' knowledge, item by item.
"""

import duckdb

from exports.views import held_marts

# A reversal is posted with its parties swapped, so parties alone say where points went.
IN_LOTS = """
    case when {e}.to_party = 'member' then {e}.points else 0 end
    - case when {e}.from_party = 'member' then {e}.points else 0 end
"""
OWED = """
    case when {e}.from_party = 'member_debt' then {e}.points else 0 end
    - case when {e}.to_party = 'member_debt' then {e}.points else 0 end
"""

MACROS = {
    "accounts_known_on(known_date)": """
        select source, account_id, max_by(member_id, posted_date) as member_id
        from fct_member_id_changes
        where posted_date <= known_date
        group by source, account_id
    """,
    "points_balances_as_of(on_date, known_date)": f"""
        select
            a.member_id,
            coalesce(sum({IN_LOTS.format(e="e")}), 0)::bigint as points_in_lots,
            coalesce(sum({OWED.format(e="e")}), 0)::bigint as debt_points,
            (points_in_lots - debt_points)::bigint as balance_points
        from accounts_known_on(known_date) a
        left join fct_points_entries e
            on e.source = a.source and e.account_id = a.account_id
            and e.business_date <= on_date and e.posted_date <= known_date
        group by a.member_id
    """,
    "points_lots_as_of(on_date, known_date)": f"""
        select
            e.lot_id,
            a.member_id,
            e.source,
            e.account_id,
            max(e.issuer_business) as issuer_business,
            sum({IN_LOTS.format(e="e")})::bigint as remaining_points
        from fct_points_entries e
        join accounts_known_on(known_date) a
            on a.source = e.source and a.account_id = e.account_id
        where e.lot_id is not null and e.business_date <= on_date and e.posted_date <= known_date
        group by e.lot_id, a.member_id, e.source, e.account_id
        having remaining_points <> 0
    """,
    "points_differences(on_date, known_before, known_after)": f"""
        select
            a.member_id,
            'posted' as item,
            e.posted_date,
            e.business_date,
            e.entry_type,
            e.is_reversal,
            e.activity_id,
            e.source,
            e.account_id,
            (({IN_LOTS.format(e="e")}) - ({OWED.format(e="e")}))::bigint as balance_points
        from fct_points_entries e
        join accounts_known_on(known_after) a
            on a.source = e.source and a.account_id = e.account_id
        where e.business_date <= on_date
        and e.posted_date > known_before and e.posted_date <= known_after
        union all
        select
            m.member_id, m.item, m.posted_date, null, null, null, null, m.source, m.account_id,
            (m.sign * sum(({IN_LOTS.format(e="e")}) - ({OWED.format(e="e")})))::bigint
        from (
            select o.member_id, 'account_left' as item, -1 as sign, o.source, o.account_id,
                known_after as posted_date
            from accounts_known_on(known_before) o
            join accounts_known_on(known_after) n
                on n.source = o.source and n.account_id = o.account_id
            where n.member_id <> o.member_id
            union all
            select n.member_id, 'account_joined', 1, n.source, n.account_id, known_after
            from accounts_known_on(known_before) o
            join accounts_known_on(known_after) n
                on n.source = o.source and n.account_id = o.account_id
            where n.member_id <> o.member_id
        ) m
        join fct_points_entries e on e.source = m.source and e.account_id = m.account_id
            and e.business_date <= on_date and e.posted_date <= known_before
        group by m.member_id, m.item, m.posted_date, m.source, m.account_id, m.sign
    """,
    "tier_changes_known_on(known_date)": """
        select
            member_id, change_number, effective_date, from_tier, to_tier, reason, growth_value,
            period_end_date
        from fct_tier_changes
        where posted_date <= known_date
        group by all
        having sum(case when is_reversal then -1 else 1 end) > 0
    """,
    "member_tiers_as_of(on_date, known_date)": """
        select
            m.member_id,
            arg_max(c.to_tier, c.change_number) as tier,
            max(c.effective_date) as valid_from_date
        from (select distinct member_id from accounts_known_on(known_date)) m
        left join tier_changes_known_on(known_date) c
            on c.member_id = m.member_id and c.effective_date <= on_date
        group by m.member_id
    """,
}


READ = {"fct_points_entries", "fct_member_id_changes", "fct_tier_changes"}


def write_as_of(database: duckdb.DuckDBPyConnection) -> None:
    """Make the macros in a database of marts, if it holds those that they read."""
    if not held_marts(database) >= READ:
        return
    for head, query in MACROS.items():
        database.execute(f"create macro {head} as table {query}")
