"""The rules of identity resolution once more, slow and plain, to compare the real one with."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date

from identity_resolution.settings import EvidenceRule, IdentitySettings
from tests.identity_resolution.worlds import Key, Night, World, birth_year


@dataclass(frozen=True)
class Link:
    """Two accounts that share a value; `strength` 0 is the strongest."""

    strength: int
    older: tuple[date, Key]
    newer: tuple[date, Key]
    rule: str
    identifier_type: str
    token: str
    is_unnamed: bool
    is_decided: bool = False


@dataclass
class Findings:
    """What a look at all values gives."""

    links: list[Link] = field(default_factory=list)
    refused: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    claims: dict[Key, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))


def reference_night(world: World, night: date, settings: IdentitySettings) -> Night:
    """Resolve a world by reading the rules aloud."""
    findings = _look_at_values(world, night, settings)
    for decided in world.decisions:
        if decided.is_must_link and {decided.one, decided.other} <= set(world.first_seen):
            older, newer = sorted(
                (world.first_seen[key], key) for key in (decided.one, decided.other)
            )
            token = f"{decided.one}{decided.other}"
            link = Link(0, older, newer, "must_link", "decision", token, False, True)
            findings.links.append(link)
    groups, cut = _join(world, findings, settings)
    group_of = {key: group for group in groups for key in group}
    members = _name_groups(world, groups, night)
    holders: dict[tuple[str, str, str], set[Key]] = defaultdict(set)
    for link, reason in cut:
        if not link.is_decided and group_of[link.older[1]] is not group_of[link.newer[1]]:
            holders[(link.rule, link.token, reason)] |= {link.older[1], link.newer[1]}
    refused = findings.refused + Counter(
        (rule, token, reason, len(keys)) for (rule, token, reason), keys in holders.items()
    )
    kept = set(members.values())
    tonight = {
        key
        for decided in world.decisions
        if decided.effective_from == night
        for key in (decided.one, decided.other)
    }
    decided_members = {members[key] for key in tonight & set(members)}
    decided_members |= {world.posted[key] for key in tonight & set(members) & set(world.posted)}
    changes: dict[Key, tuple[str, str | None, str]] = {}
    for key, member in members.items():
        old = world.posted.get(key)
        if old is None:
            changes[key] = (member, None, "new")
        elif old != member and {old, member} & decided_members:
            changes[key] = (member, old, "manual")
        elif old != member:
            changes[key] = (member, old, "split" if old in kept else "merge")
    rules = {key: _rule(key, findings.links, group_of) for key in members}
    return Night(members, rules, changes, refused)


def _look_at_values(world: World, night: date, settings: IdentitySettings) -> Findings:
    findings = Findings()
    holders: dict[tuple[str, str], dict[Key, bool]] = defaultdict(dict)
    for row in world.identifiers:
        if row.valid_until_date is None or row.valid_until_date > night:
            held = holders[(row.identifier_type, row.token)]
            held[row.account] = held.get(row.account, False) or row.is_verified
    latest = night.year - settings.grown_up_from_years
    children = {
        key for key, record in world.records.items() if (birth_year(record) or latest) > latest
    }
    for (identifier_type, token), keys in holders.items():
        types = [rule.identifier_type for rule in settings.evidence]
        rule = settings.evidence[types.index(identifier_type)]
        _look_at_value(world, findings, settings, rule, token, keys, children)
    return findings


def _look_at_value(
    world: World,
    findings: Findings,
    settings: IdentitySettings,
    rule: EvidenceRule,
    token: str,
    holders: dict[Key, bool],
    children: set[Key],
) -> None:
    keys = set(holders)
    strength = settings.evidence.index(rule) + 1
    kind = rule.identifier_type
    name_of_rule = f"same_{kind}" + ("_and_name" if rule.names == "agree" else "")
    if len(keys) > rule.account_limit:
        findings.refused[(name_of_rule, token, "too_many_accounts", len(keys))] += 1
        return
    verified_only = {
        each.identifier_type for each in settings.member_limits if each.counts == "verified"
    }
    for key in keys:
        if kind not in verified_only or holders[key]:
            findings.claims[key].add((kind, token))

    def link(hub: Key, others: set[Key], is_unnamed: bool) -> None:
        for other in others - {hub}:
            older, newer = sorted((world.first_seen[key], key) for key in (hub, other))
            place = strength + (len(settings.evidence) + 1 if is_unnamed else 0)
            name = f"same_{kind}_unnamed" if is_unnamed else name_of_rule
            findings.links.append(Link(place, older, newer, name, kind, token, is_unnamed))

    if rule.names == "ignored":
        link(_oldest(world, keys), keys, False)
        return
    by_name: dict[str, set[Key]] = defaultdict(set)
    for key in keys & set(world.names):
        by_name[world.names[key]].add(key)
    for namesakes in by_name.values():
        link(_oldest(world, namesakes), namesakes, False)
    unnamed = keys - set(world.names)
    if not unnamed:
        return
    grown_up = {name: group - children for name, group in by_name.items()}
    by_name = {name: group for name, group in grown_up.items() if group}
    if len(by_name) == 1 and rule.unnamed != "stay":
        link(_oldest(world, next(iter(by_name.values()))), unnamed, True)
    elif not by_name and rule.unnamed in {"join", "join_verified"}:
        link(_oldest(world, unnamed), unnamed, True)
    elif rule.unnamed == "join_verified" and len(_verified(by_name, holders)) == 1:
        link(_oldest(world, _verified(by_name, holders)[0]), unnamed, True)
    elif unnamed and len(keys) > 1:
        reason = {0: "nobody_named", 1: "unnamed"}.get(len(by_name), "several_names")
        findings.refused[(name_of_rule, token, reason, len(keys))] += 1


def _verified(by_name: dict[str, set[Key]], holders: dict[Key, bool]) -> list[set[Key]]:
    """The accounts of each name whose systems have checked the value."""
    checked = [{key for key in keys if holders[key]} for keys in by_name.values()]
    return [keys for keys in checked if keys]


def _join(
    world: World, findings: Findings, settings: IdentitySettings
) -> tuple[list[set[Key]], list[tuple[Link, str]]]:
    limits = {each.identifier_type: each.limit for each in settings.member_limits}
    claims, over = _claims(world, findings, limits)
    groups: list[set[Key]] = [{key} for key in world.first_seen]
    cut = []
    for link in sorted(findings.links, key=lambda link: (link.strength, link.older, link.newer)):
        one = next(group for group in groups if link.older[1] in group)
        other = next(group for group in groups if link.newer[1] in group)
        if one is other:
            continue
        held = {claim for key in one | other for claim in claims[key]}
        counts = Counter(identifier_type for identifier_type, _ in held)
        names = [{world.names[key] for key in group & set(world.names)} for group in (one, other)]
        is_apart = any(
            not decided.is_must_link
            and len({decided.one, decided.other} & one) == 1
            and len({decided.one, decided.other} & other) == 1
            for decided in world.decisions
        )
        is_over = bool(over & (one | other)) or any(counts[k] > n for k, n in limits.items())
        if is_apart:
            cut.append((link, "cannot_link"))
        elif not link.is_decided and is_over:
            cut.append((link, "member_limit"))
        elif link.is_unnamed and all(names) and not names[0] & names[1]:
            cut.append((link, "names_disagree"))
        else:
            one |= other
            groups = [group for group in groups if group is not other]
    return groups, cut


def _claims(
    world: World, findings: Findings, limits: dict[str, int]
) -> tuple[dict[Key, set[tuple[str, str]]], set[Key]]:
    """What each account claims, and who breaks a limit alone. What must-linked accounts hold beyond
    a limit counts as one value: people said that all of it is one person's.
    """
    claims: dict[Key, set[tuple[str, str]]] = {key: set() for key in world.first_seen}
    over: set[Key] = set()
    for key in world.first_seen:
        for kind, limit in limits.items():
            held = sorted(claim for claim in findings.claims.get(key, ()) if claim[0] == kind)
            claims[key] |= set(held[:limit])
            if len(held) > limit:
                over.add(key)
    for group in _decided_groups(findings):
        over -= group
        for kind, limit in limits.items():
            held = sorted({claim for key in group for claim in claims[key] if claim[0] == kind})
            if len(held) > limit:
                for key, own in claims.items():
                    if own & set(held):
                        claims[key] = (own - set(held)) | {held[0]}
    return claims, over


def _decided_groups(findings: Findings) -> list[set[Key]]:
    groups: list[set[Key]] = []
    for link in findings.links:
        if link.is_decided:
            pair = {link.older[1], link.newer[1]}
            joined = [group for group in groups if group & pair]
            groups = [group for group in groups if not group & pair]
            groups.append(pair.union(*joined))
    return groups


def _name_groups(world: World, groups: list[set[Key]], night: date) -> dict[Key, str]:
    accounts_of: dict[str, set[Key]] = defaultdict(set)
    for key, member in world.posted.items():
        if key in world.first_seen:
            accounts_of[member].add(key)
    wanted_by: dict[int, list[str]] = defaultdict(list)
    for member, keys in accounts_of.items():
        touched = [index for index, group in enumerate(groups) if group & keys]
        best = min(touched, key=lambda i: (-len(groups[i] & keys), _age(world, groups[i])))
        wanted_by[best].append(member)
    members: dict[Key, str] = {}
    for index, group in enumerate(groups):
        oldest = _oldest(world, group)
        seed = f"{oldest[0]}|{oldest[1]}|{night.isoformat()}"
        member = "M" + hashlib.md5(seed.encode()).hexdigest()[:15]
        if wanted_by[index]:
            member = min(
                wanted_by[index],
                key=lambda m: (
                    world.since.get(m, date.max),
                    _age(world, accounts_of[m]),
                    m,
                ),
            )
        members |= dict.fromkeys(group, member)
    return members


def _rule(key: Key, links: list[Link], group_of: dict[Key, set[Key]]) -> tuple[str, int]:
    ties = [
        link
        for link in links
        if key in (link.older[1], link.newer[1])
        and group_of[link.older[1]] is group_of[link.newer[1]]
    ]
    if not ties:
        return "alone", 0
    strongest = min(ties, key=lambda link: link.strength)
    return strongest.rule, len({(link.identifier_type, link.token) for link in ties})


def _age(world: World, keys: set[Key]) -> tuple[date, Key]:
    return min((world.first_seen[key], key) for key in keys)


def _oldest(world: World, keys: set[Key]) -> Key:
    return _age(world, keys)[1]
