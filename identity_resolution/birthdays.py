"""Birthdays of accounts, for the rules that ask for them: month and day, never the year.

Nothing is unsealed. Each record bears the keyed token of its birth date (ingest.blocks: the
identity document's before one that was typed); whoever has the keys makes the tokens of all dates
since 1900 and reads month and day from the one that agrees. The file is in the night's own
folder, is made anew every night, and is empty while no bonus rule asks for a birthday; it holds no
days while rules ask for months alone.
"""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from identity_resolution.engine import Engine, with_date
from identity_resolution.inputs import people_of
from ingest.core.lake import Lake
from ingest.core.privacy import Keys, read_keys, token, token_generations

FIRST_BIRTH = date(1900, 1, 1)  # deliveries that tell of older people are older than any lake
BIRTHDAYS = pa.schema(
    [
        ("source", pa.string()),
        ("account_id", pa.string()),
        ("birth_month", pa.int64()),
        ("birth_day", pa.int64()),
        ("is_changed", pa.bool_()),
    ]
)
NO_BIRTHS = "select cast(null as string) as token where false"

# A birth date on too many accounts is what a form was filled in with, and nobody's birthday.
DEFAULTS_BEFORE = """
select token
from births_before
where value_type = 'birth' and cast(load_date as date) = {before}
"""
BIRTHDAYS_OF_ACCOUNTS = """
with told as (
    select distinct source, account_id
    from people_versions
    where load_date > {before}
),
other_defaults as (
    select coalesce(n.token, b.token) as token
    from default_births n
    full join defaults_before b on b.token = n.token
    where n.token is null or b.token is null
),
known as (
    select
        p.source,
        p.account_id,
        case when d.token is null then b.birth_month end as birth_month,
        case when d.token is null then b.birth_day end as birth_day,
        t.account_id is not null or o.token is not null as is_changed
    from ({people}) p
    left join days_of_births b on b.token = p.birth_token
    left join default_births d on d.token = p.birth_token
    left join other_defaults o on o.token = p.birth_token
    left join told t on t.source = p.source and t.account_id = p.account_id
)
select source, account_id, birth_month, birth_day, is_changed
from known
where birth_month is not null or is_changed
order by source, account_id
"""


def birthdays(
    engine: Engine, lake: Lake, keys_file: Path, night: date, before: date | None
) -> pa.Table:
    """Month and day of every account that has them, as BIRTHDAYS, and whether that may be other
    than it was on the night `before`; no rows while no rule asks.

    Reads people_versions and default_births, as resolving the night leaves them.
    """
    windows = _windows(lake, night)
    if not windows:
        return BIRTHDAYS.empty_table()
    keys = read_keys(keys_file)
    engine.load("days_of_births", days_of_births(keys, night, has_days="day" in windows))
    since = before or date.min
    folder = lake.raw("identity", "blocked_values", since).parent.parent
    has_before = before is not None and engine.read("births_before", folder)
    told_before = with_date("$business_date", since)
    defaults = DEFAULTS_BEFORE.format(before=told_before) if has_before else NO_BIRTHS
    engine.view("defaults_before", defaults)
    query = BIRTHDAYS_OF_ACCOUNTS.format(people=people_of(None), before=told_before)
    return engine.rows(query).cast(BIRTHDAYS)


def days_of_births(keys: Keys, night: date, *, has_days: bool) -> pa.Table:
    """Month, and day if wanted, of each token that a birth date since 1900 may have, under each
    generation of the token key.
    """
    count = (night - FIRST_BIRTH).days + 1
    days = [FIRST_BIRTH + timedelta(days=number) for number in range(count)]
    forms = [day.strftime("%Y%m%d") for day in days]
    generations = (keys, *token_generations(keys))
    tokens = [token(each, "birth", form) for each in generations for form in forms]
    born_on = [day.day if has_days else None for day in days]
    return pa.table(
        {
            "token": pa.array(tokens, pa.string()),
            "birth_month": pa.array([day.month for day in days] * len(generations), pa.int64()),
            "birth_day": pa.array(born_on * len(generations), pa.int64()),
        }
    )


def _windows(lake: Lake, night: date) -> set[str]:
    """What any version of a bonus rule asks of birthdays: month, day, both or nothing."""
    path = lake.raw("rules", "bonus_rules", night)
    if not path.is_file():
        return set()
    asked = pq.read_table(path, columns=["birthday_window"], partitioning=None).column(0)
    return set(pc.unique(asked.drop_null()).to_pylist())
