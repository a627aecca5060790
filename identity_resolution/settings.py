"""The decisions of settings.yml: what links, what is compared, what one member may hold."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ingest.core.errors import Problem

SETTINGS_FILE = Path(__file__).with_name("settings.yml")
MODEL_FILE = Path(__file__).with_name("comparison.json")
VERSION_DIGITS = 12

STRICT = ConfigDict(extra="forbid")  # a misspelt word is an error, not a default
Limit = Annotated[int, Field(ge=1)]

MUST_LINK_RULE, COMPARED_RULE = "must_link", "compared"
BIRTH_KIND = -1  # a birth date links nobody, but may be a default like a blocked value


@dataclass(frozen=True)
class EvidenceRule:
    """What one type of identifier proves; see settings.yml for the words."""

    __pydantic_config__ = STRICT

    identifier_type: str
    account_limit: Limit
    names: Literal["ignored", "agree"]
    unnamed: Literal["stay", "join_one_name", "join", "join_verified"] = "stay"


@dataclass(frozen=True)
class BlockRule:
    """One blocking key: records that share it are compared."""

    __pydantic_config__ = STRICT

    block: str
    account_limit: Limit


@dataclass(frozen=True)
class ComparisonRule:
    """What is compared, and from which match weight on two records are one person.

    default_birth_accounts: a birth date on more accounts is what a form was filled in with.
    """

    __pydantic_config__ = STRICT

    blocks: tuple[BlockRule, ...]
    default_birth_accounts: Limit
    least_weight_bits: float


@dataclass(frozen=True)
class HouseholdRule:
    """What two members of one household share; `surname` asks for one surname besides."""

    __pydantic_config__ = STRICT

    shared: str
    account_limit: Limit
    surname: Literal["ignored", "agrees"] = "ignored"


@dataclass(frozen=True)
class MemberLimit:
    """How many different values of a type one member may hold; of verified ones, if so said."""

    __pydantic_config__ = STRICT

    identifier_type: str
    limit: Limit
    counts: Literal["all", "verified"] = "all"


@dataclass(frozen=True)
class OverMergeGate:
    """What stops a night: see `quality` in settings.yml."""

    __pydantic_config__ = STRICT

    most_names: Limit
    most_members_over_names_per_million: Limit
    largest_member_growth: Limit
    largest_member_growth_from: Limit


@dataclass(frozen=True)
class IdentitySettings:
    """The decisions of settings.yml. `evidence` is in order of strength, strongest first."""

    __pydantic_config__ = STRICT

    evidence: tuple[EvidenceRule, ...]
    grown_up_from_years: Limit
    comparison: ComparisonRule
    households: tuple[HouseholdRule, ...]
    member_limits: tuple[MemberLimit, ...]
    quality: OverMergeGate

    @property
    def link_rules(self) -> tuple[str, ...]:
        """Names of all kinds of link by rank, strongest first: what people decided, one value,
        what was compared, and last those of unnamed accounts.
        """
        named = [
            f"same_{rule.identifier_type}" + ("_and_name" if rule.names == "agree" else "")
            for rule in self.evidence
        ]
        unnamed = [f"same_{rule.identifier_type}_unnamed" for rule in self.evidence]
        return (MUST_LINK_RULE, *named, COMPARED_RULE, *unnamed)

    @property
    def version(self) -> str:
        """Short digest of these decisions and of the comparison model."""
        said = repr(self).encode() + MODEL_FILE.read_bytes()
        return hashlib.sha256(said).hexdigest()[:VERSION_DIGITS]

    @property
    def first_unnamed_rank(self) -> int:
        """Links of this rank and weaker are those of unnamed accounts."""
        return len(self.evidence) + 2

    @property
    def slot_starts(self) -> npt.NDArray[np.int32]:
        """First claim slot of each limited type, in order of member_limits, and the end of the
        last.
        """
        return np.cumsum([0, *(each.limit for each in self.member_limits)], dtype=np.int32)

    def kinds(self) -> pa.Table:
        """One row for each kind of value: identifiers first, by strength, then blocking keys, then
        what only households share. Ranks are those of link_rules.
        """
        rules, count = self.evidence, len(self.evidence)
        types = [rule.identifier_type for rule in rules]
        blocks = [rule.block for rule in self.comparison.blocks]
        shared = {rule.shared: rule for rule in self.households}
        own = [name for name in shared if name not in (*types, *blocks)]
        claims = {each.identifier_type: each for each in self.member_limits}
        claim_kinds = {name: kind for kind, name in enumerate(claims)}
        names = [*types, *blocks, *own]
        limits = [rule.account_limit for rule in rules]
        limits += [rule.account_limit for rule in self.comparison.blocks]
        padding = [None] * (len(names) - count)
        return pa.table(
            {
                "kind": pa.array(range(len(names)), pa.int32()),
                "value_type": names,
                "is_block": [name in blocks for name in names],
                "account_limit": [*limits, *(shared[name].account_limit for name in own)],
                "must_names_agree": [*(rule.names == "agree" for rule in rules), *padding],
                "unnamed": [*(rule.unnamed for rule in rules), *padding],
                "named_rank": pa.array([*range(1, count + 1), *padding], pa.int32()),
                "unnamed_rank": pa.array([*range(count + 2, 2 * count + 2), *padding], pa.int32()),
                "claim_kind": pa.array([claim_kinds.get(name) for name in names], pa.int32()),
                "claims_verified": [
                    name in claims and claims[name].counts == "verified" for name in names
                ],
                "household_limit": pa.array(
                    [shared[name].account_limit if name in shared else None for name in names],
                    pa.int64(),
                ),
                "must_surnames_agree": [
                    name in shared and shared[name].surname == "agrees" for name in names
                ],
            }
        )


def load_identity_settings(path: Path = SETTINGS_FILE) -> IdentitySettings:
    """The decisions of a settings file; Problem if it cannot be read or says something unknown."""
    try:
        settings = TypeAdapter(IdentitySettings).validate_python(
            yaml.safe_load(path.read_text(encoding="utf-8"))
        )
    except (OSError, yaml.YAMLError) as error:
        raise Problem(f"cannot read {path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Problem(f"{path}: {where}: {first['msg']}") from error
    _check_names(path, settings)
    return settings


def _check_names(path: Path, settings: IdentitySettings) -> None:
    types = [rule.identifier_type for rule in settings.evidence]
    lists = {
        "evidence": types,
        "comparison.blocks": [rule.block for rule in settings.comparison.blocks],
        "households": [rule.shared for rule in settings.households],
        "member_limits": [each.identifier_type for each in settings.member_limits],
    }
    for place, names in lists.items():
        if len(set(names)) < len(names):
            raise Problem(f"{path}: {place}: a name stands there twice; keep one")
    if unknown := sorted(set(lists["member_limits"]) - set(types)):
        raise Problem(f"{path}: member_limits: {unknown[0]} is no identifier_type of evidence")
