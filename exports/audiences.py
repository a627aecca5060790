"""Audiences for marketing: a CSV file each, only members who consented at the business that sends.

The mart has applied consent. All that is added are the member's accounts at that same business, so
that its channel can reach them. Names and phone numbers are not in the marts, so not in here.
"""

from datetime import date
from pathlib import Path

import duckdb

from exports.catalogue import Catalogue
from exports.folder import ExportFolder, file_name
from exports.reader import sql_text
from ingest.core.lake import Lake


def write_audiences(
    lake: Lake, connection: duckdb.DuckDBPyConnection, business_date: date, catalogue: Catalogue
) -> Path:
    """Write every audience of the published version and return the folder."""
    export = catalogue.exports["audiences"]
    day = business_date.isoformat()
    folder = ExportFolder(lake.outbox / "audiences" / day)
    audiences = connection.execute(
        f"select distinct audience, audience_name from {export.mart} order by audience"
    ).fetchall()
    for audience, audience_name in audiences:
        folder.add_csv(
            f"{file_name(audience)}.csv",
            connection,
            _audience_sql(export.mart, audience),
            export.columns,
            "business, member_id",
            audience=audience,
            audience_name=audience_name,
        )
    return folder.finish(export=export.name, business_date=day, note=export.note)


def _audience_sql(mart: str, audience: str) -> str:
    """One audience, a row for each business and member, with the member's accounts there."""
    return f"""
        with audience as (
            select * from {mart} where audience = {sql_text(audience)}
        ),
        accounts as (
            select
                member_id,
                business,
                string_agg(source || ':' || account_id, ' ' order by source, account_id)
                    as account_ids
            from dim_member_accounts
            where member_id in (select member_id from audience)
            group by member_id, business
        )
        select
            audience.*,
            businesses.business_name,
            accounts.account_ids,
            members.tier,
            members.tier_name
        from audience
        left join accounts
            on audience.member_id = accounts.member_id and audience.business = accounts.business
        left join dim_businesses as businesses on audience.business = businesses.business
        left join dim_members as members on audience.member_id = members.member_id
    """
