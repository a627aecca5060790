"""The step resolve_identities: identifiers of the night in, member links and all that explains them
out.
"""

from datetime import date
from functools import partial

import pyarrow.parquet as pq

from identity_resolution.birthdays import birthdays
from identity_resolution.cluster import group_accounts
from identity_resolution.compare import Unsealer, compare_candidates, unseal_lake
from identity_resolution.components import find_components, name_components
from identity_resolution.engine import Engine, open_engine
from identity_resolution.evidence import find_evidence, show_kinds
from identity_resolution.households import find_households
from identity_resolution.inputs import show_inputs, show_posted
from identity_resolution.nights import Night, nights_of
from identity_resolution.outputs import Resolution, resolution_of, show_before, show_state
from identity_resolution.registry import name_members
from identity_resolution.settings import IdentitySettings
from identity_resolution.touched import find_touched, touch_everybody
from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import Settings


def resolve_night(
    settings: Settings, identity: IdentitySettings, business_date: date, is_full: bool = False
) -> Resolution:
    """Resolve the accounts of a night and replace the night's partitions of raw/identity, and the
    night's birthdays.

    Only components in which something changed since the night before are resolved again, unless
    is_full, or rules or code changed. Problem if an input is missing.
    """
    lake = Lake(settings.lake)
    before = _night_before(lake, business_date)
    builds_on = nights_of(lake, before) if before and not is_full else ()
    night = Night(business_date, tuple(builds_on))
    unsealer = partial(unseal_lake, lake=lake, keys_file=settings.keys_file)

    with open_engine(settings, lake.work / "spill_identity") as engine:
        resolution = _resolve_lake(engine, lake, unsealer, night, identity)
        born = birthdays(engine, lake, settings.keys_file, business_date, before)
    for name, table in vars(resolution).items():
        write_parquet(table, lake.raw("identity", name, business_date))
    write_parquet(born, lake.birthdays)
    return resolution


def resolve(
    engine: Engine, night: Night, settings: IdentitySettings, unsealer: Unsealer
) -> Resolution:
    """Resolve the accounts of the tables that inputs.show_inputs leaves; of a night that builds on
    others, also those of outputs.show_before.
    """
    show_kinds(engine, settings)
    if night.builds_on:
        show_state(engine)
        find_touched(engine, settings, night.business_date, night.builds_on[-1])
    else:
        touch_everybody(engine, settings, night.business_date)
    find_evidence(engine, settings, night.business_date)
    compare_candidates(engine, settings, unsealer)
    find_components(engine, "connections", "components")
    name_components(engine)
    group_accounts(engine, settings)
    show_posted(engine)
    name_members(engine, night.business_date)
    find_households(engine)
    return resolution_of(engine, settings, night)


def _resolve_lake(
    engine: Engine, lake: Lake, unsealer: Unsealer, night: Night, settings: IdentitySettings
) -> Resolution:
    show_inputs(engine, lake, night.business_date)
    if night.builds_on:
        show_before(engine, lake, list(night.builds_on))
    return resolve(engine, night, settings, unsealer)


def _night_before(lake: Lake, business_date: date) -> date | None:
    """The last published night, if tonight follows from it under the same rules and code."""
    if not lake.tonight.is_file():
        return None
    [tonight] = pq.read_table(lake.tonight).to_pylist()
    if tonight["business_date"] != business_date or tonight["is_everything_touched"]:
        return None
    before: date | None = tonight["previous_date"]
    return before
