"""Why two accounts are one member, or why they are not.

A path of evidence from one account to the other, each step with its rule, its value (as the keyed
token) and its weight; or, for accounts of two members, everything that might have brought them
together and what stood in its way.
"""

import json
from collections import deque
from collections.abc import Iterator
from datetime import date

import pyarrow as pa

from identity_resolution.compare import PERSONAL, UNSEALED, load_model
from identity_resolution.engine import DuckDbEngine
from identity_resolution.looked_up import LookedUp, Row, look_up, restricted_folders
from identity_resolution.settings import (
    COMPARED_RULE,
    IdentitySettings,
    load_identity_settings,
)
from ingest.core.identity_decisions import CANNOT_LINK, AccountKey, decisions_in_force
from ingest.core.privacy import read_keys, unseal
from ingest.core.settings import Settings

FIELDS = {"name": "姓名", "birth": "生日", "mobile": "手机", "gender": "性别", "address": "地址"}
TOKENS_OF_BLOCKS = ["birth_mobile", "name_birth", "name_mobile_head", "name_mobile_tail"]
HELD = {
    "member_limit": "one member would hold more than the limit allows",
    "names_disagree": "the names of both sides have nothing in common",
    "cannot_link": "people decided that they are not one person",
}


def explain_link(
    settings: Settings, one: AccountKey, other: AccountKey, night: date | None
) -> Iterator[str]:
    """Lines that explain a pair of accounts on a night, the last one for None; Problem if the night
    does not know them.
    """
    looked_up = look_up(settings, night)
    ends = {account: looked_up.link_of(account) for account in (one, other)}
    members = [link["member_id"] for link in ends.values()]
    [version] = looked_up.rows("select settings_version from quality")
    is_one = members[0] == members[1]
    verdict = "同一会员 one member" if is_one else "两位会员 two members"
    yield f"{verdict} on {looked_up.night}, rules {version['settings_version']}"
    for account, link in ends.items():
        since = looked_up.since(account)
        places = "; ".join(looked_up.places_of(account)) or "?"
        yield (
            f"  {account}  member {link['member_id']} since {since or looked_up.night}"
            f"  (来源行 source row: {places})"
        )
    path = _path(looked_up, one, other, ends[one]["component"]) if is_one else []
    if is_one:
        yield "证据链 path of evidence:"
        for number, (start, end, link) in enumerate(path, 1):
            yield f"  {number}. {start} – {end}: {evidence_of(link)}"
    else:
        yield from _reasons(looked_up, one, other, ends)
    if not is_one or any(link["rule"] == COMPARED_RULE for _, _, link in path):
        yield from _compared(looked_up, one, other)


def _path(
    looked_up: LookedUp, one: AccountKey, other: AccountKey, component: str
) -> list[tuple[AccountKey, AccountKey, Row]]:
    """The shortest path over the links of a component."""
    steps: dict[AccountKey, list[tuple[AccountKey, Row]]] = {}
    for link in looked_up.rows(f"select * from links where component = ? {ORDER}", [component]):
        low, high = ends_of(link)
        steps.setdefault(low, []).append((high, link))
        steps.setdefault(high, []).append((low, link))
    came: dict[AccountKey, tuple[AccountKey, Row] | None] = {one: None}
    queue = deque([one])
    while queue and other not in came:
        account = queue.popleft()
        for neighbour, link in steps.get(account, []):
            if neighbour not in came:
                came[neighbour] = (account, link)
                queue.append(neighbour)
    path = []
    last, place = other, came[other]
    while place is not None:
        path.append((place[0], last, place[1]))
        last, place = place[0], came[place[0]]
    return path[::-1]


ORDER = """order by low_source, low_account_id, high_source, high_account_id, rule, token"""


def ends_of(link: Row) -> tuple[AccountKey, AccountKey]:
    """The two accounts of a link."""
    return (
        AccountKey(link["low_source"], link["low_account_id"]),
        AccountKey(link["high_source"], link["high_account_id"]),
    )


def evidence_of(link: Row) -> str:
    """A link's rule with its value and weight."""
    if link["token"] is None:
        return str(link["rule"])
    weight = f", weight {link['weight_millibits'] / 1000:.1f} bits"
    is_compared = link["rule"] == COMPARED_RULE
    return f"{link['rule']} ({link['value_type']} {link['token']}{weight if is_compared else ''})"


def _reasons(
    looked_up: LookedUp, one: AccountKey, other: AccountKey, ends: dict[AccountKey, Row]
) -> Iterator[str]:
    """What stands between two accounts of two members."""
    reasons = [
        *_decisions_between(looked_up, ends),
        *_held_between(looked_up, ends),
        *(_values_between(looked_up, one, other) if looked_up.has_identifiers else []),
    ]
    yield "未合并原因 why they are not one:"
    for reason in reasons or ["they share no value and no blocking key"]:
        yield f"  - {reason}"
    if not looked_up.has_identifiers:
        yield f"  (what they hold is known for the night in work/ only, not for {looked_up.night})"


def _decisions_between(looked_up: LookedUp, ends: dict[AccountKey, Row]) -> Iterator[str]:
    members = {link["member_id"] for link in ends.values()}
    for decision in decisions_in_force(looked_up.lake, looked_up.night):
        if decision.decision != CANNOT_LINK:
            continue
        of = {
            row["member_id"]
            for account in decision.pair
            for row in looked_up.rows(
                "select member_id from member_links where source = ? and account_id = ?",
                [account.source, account.account_id],
            )
        }
        if of == members:
            yield (
                f"cannot_link: {decision.decided_by} decided for {decision.effective_from} that"
                f" {decision.one} and {decision.other} are two people: {decision.reason}"
            )


def _held_between(looked_up: LookedUp, ends: dict[AccountKey, Row]) -> Iterator[str]:
    one, other = (link["member_id"] for link in ends.values())
    for link in looked_up.rows(HELD_BETWEEN + ORDER, [one, other, other, one]):
        low, high = ends_of(link)
        yield f"{link['reason']}: {low} – {high} by {evidence_of(link)}: {HELD[link['reason']]}"


HELD_BETWEEN = """
select h.*
from held_links h
join member_links l on l.source = h.low_source and l.account_id = h.low_account_id
join member_links r on r.source = h.high_source and r.account_id = h.high_account_id
where (l.member_id = ? and r.member_id = ?) or (l.member_id = ? and r.member_id = ?)
"""

SHARED_VALUES = """
select
    one.identifier_type,
    one.identifier_token,
    least(one.valid_until_date, other.valid_until_date) as valid_until_date,
    b.account_count as blocked_count
from int_identifiers one
join int_identifiers other
    on other.identifier_type = one.identifier_type
    and other.identifier_token = one.identifier_token
left join blocked_values b
    on b.value_type = one.identifier_type and b.token = one.identifier_token
where one.source = ? and one.account_id = ? and other.source = ? and other.account_id = ?
order by one.identifier_type, one.identifier_token
"""


def _values_between(looked_up: LookedUp, one: AccountKey, other: AccountKey) -> Iterator[str]:
    """Why values that both hold do not link them."""
    identity = load_identity_settings()
    tokens = [_tokens(looked_up, account) for account in (one, other)]
    names = [token["name_token"] for token in tokens]
    pair = [one.source, one.account_id, other.source, other.account_id]
    for value in looked_up.rows(SHARED_VALUES, pair):
        name = f"{value['identifier_type']} {value['identifier_token']}"
        yield f"{name}: {_why_not(identity, value, looked_up.night, names)}"
    for block in TOKENS_OF_BLOCKS:
        token = tokens[0][f"{block}_token"]
        if token is not None and token == tokens[1][f"{block}_token"]:
            least = identity.comparison.least_weight_bits
            yield (
                f"{block} {token}: compared, and their weight stays below {least} bits"
                " (or too many accounts share this key to compare them)"
            )


def _why_not(identity: IdentitySettings, value: Row, night: date, names: list[str | None]) -> str:
    rule = next(r for r in identity.evidence if r.identifier_type == value["identifier_type"])
    ended = value["valid_until_date"]
    if ended is not None and ended <= night:
        return f"ended: it is no longer valid since {ended} (recycled, sold or given back)"
    if value["blocked_count"] is not None:
        return f"blocked: {value['blocked_count']} accounts hold it, more than {rule.account_limit}"
    if rule.names == "agree" and None in names:
        return f"unnamed: an account without a name does not join here (unnamed: {rule.unnamed})"
    if rule.names == "agree" and names[0] != names[1]:
        return "names_disagree: a family shares such a value, and the names differ"
    return "refused: see the links held for review"


def _tokens(looked_up: LookedUp, account: AccountKey) -> Row:
    """The tokens of an account's newest rows."""
    tokens: Row = dict.fromkeys(["name_token", *(f"{name}_token" for name in TOKENS_OF_BLOCKS)])
    for row in _newest_rows(looked_up, account):
        tokens |= {name: row[name] for name in tokens if row.get(name) is not None}
    return tokens


def _newest_rows(looked_up: LookedUp, account: AccountKey) -> list[Row]:
    found = []
    for folder in restricted_folders(looked_up.lake, account):
        keys = looked_up.lake.root / "restricted" / "keys" / account.source / folder.name
        found += looked_up.rows(
            f"select s.*, k.wrapped_key, '{folder.name}' as table_name from"
            f" read_parquet('{folder}/*/*.parquet', hive_partitioning = true, union_by_name = true)"
            f" s join read_parquet('{keys}/*/*.parquet') k on k.key_ref = s.key_ref"
            " where s.account_id = ? and s.load_date <= ?"
            " order by version desc, load_date desc limit 1",
            [account.account_id, looked_up.night],
        )
    return found


def _compared(looked_up: LookedUp, one: AccountKey, other: AccountKey) -> Iterator[str]:
    """How much each field of two records with a common blocking key says, without its value."""
    tokens = [_tokens(looked_up, account) for account in (one, other)]
    if not any(
        tokens[0][f"{block}_token"] and tokens[0][f"{block}_token"] == tokens[1][f"{block}_token"]
        for block in TOKENS_OF_BLOCKS
    ):
        return
    keys = read_keys(looked_up.settings.keys_file)
    people = []
    for number, account in enumerate((one, other)):
        person: Row = dict.fromkeys(PERSONAL) | {"account": number}
        for row in _newest_rows(looked_up, account):
            context = f"{account.source}|{row['table_name']}|{account.account_id}"
            sealed = json.loads(unseal(keys, row["wrapped_key"], row["sealed"], context))
            said = sealed.get("compared") or {}
            person |= {name: said[name] for name in PERSONAL if name in said}
        people.append(person)
    engine = DuckDbEngine(looked_up.connection)
    engine.load("people_of_pair", pa.Table.from_pylist(people, UNSEALED))
    ends = [
        {"account": number, "source": account.source, "account_id": account.account_id}
        for number, account in enumerate((one, other))
    ]
    engine.load("ends", pa.Table.from_pylist(ends, ENDS))
    gender = GENDER if looked_up.has_identifiers else "cast(null as string)"
    fields = ", ".join(f"p.{name}" for name in PERSONAL)
    engine.table("pair_of_records", PAIR_OF_RECORDS.format(fields=fields, gender=gender))
    weights = engine.weights_by_field("pair_of_records", load_model())
    yield f"逐项比较 compared field by field: {weights.pop('match_weight'):+.1f} bits in all"
    for field, bits in weights.items():
        yield f"  {FIELDS[field]} {field}: {bits:+.1f} bits"


PAIR_OF_RECORDS = """
select e.account as unique_id, 0 as pair_id, {fields}, {gender} as gender
from ends e
join people_of_pair p on p.account = e.account
"""
ENDS = pa.schema([("account", pa.int32()), ("source", pa.string()), ("account_id", pa.string())])
GENDER = """(
    select max(a.gender) from int_accounts a
    where a.source = e.source and a.account_id = e.account_id
)"""
