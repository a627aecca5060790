"""Serving feeds: for each business a CSV of its own accounts with tier, balance and benefits."""

from datetime import date
from pathlib import Path

import duckdb

from exports.catalogue import Catalogue
from exports.folder import ExportFolder, file_name
from exports.reader import sql_text
from ingest.core.lake import Lake


def write_feeds(
    lake: Lake, connection: duckdb.DuckDBPyConnection, business_date: date, catalogue: Catalogue
) -> Path:
    """Write the feed of every business (header only if it has no accounts); return the folder."""
    export = catalogue.exports["feeds"]
    day = business_date.isoformat()
    folder = ExportFolder(lake.outbox / "feeds" / day)
    businesses = connection.execute(
        "select business, business_name from dim_businesses order by business"
    ).fetchall()
    for business, business_name in businesses:
        folder.add_csv(
            f"{file_name(business)}.csv",
            connection,
            _feed_sql(export.mart, business, catalogue),
            export.columns,
            "source, account_id",
            business=business,
            business_name=business_name,
        )
    return folder.finish(export=export.name, business_date=day, note=export.note)


def _feed_sql(mart: str, business: str, catalogue: Catalogue) -> str:
    """Accounts of one business with what their member has and may use at this business."""
    units = " ".join(
        f"when {sql_text(unit)} then {sql_text(name)}"
        for unit, name in catalogue.names["quantity_unit"].items()
    )
    return f"""
        with benefits as (
            select
                member_id,
                string_agg(
                    benefit_name || ' ' || quantity
                        || case quantity_unit {units} else ' ' || quantity_unit end,
                    '；' order by benefit
                ) as benefits
            from fct_member_entitlements
            where business = {sql_text(business)}
            group by member_id
        )
        select
            accounts.*,
            members.tier,
            members.tier_name,
            members.tier_valid_until_date,
            members.points_balance,
            members.points_expiring_30_days,
            benefits.benefits
        from {mart} as accounts
        left join dim_members as members on accounts.member_id = members.member_id
        left join benefits on accounts.member_id = benefits.member_id
        where accounts.business = {sql_text(business)}
    """
