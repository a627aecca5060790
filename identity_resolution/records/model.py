"""The Fellegi-Sunter model: Splink compares pairs of records and learns, without labels, what each
agreement is worth.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from splink import Linker, SettingsCreator, block_on
from splink.internals.exceptions import SplinkException

from identity_resolution.engine import splink_database, splink_table
from identity_resolution.records.blocking import Ints, joined_fact, text_fact
from identity_resolution.records.comparisons import comparison
from identity_resolution.records.table import Records

Floats = NDArray[np.float64]

SEED = 20261125
SAMPLED_PAIRS = 500_000  # pairs from which chance agreement is learnt
FEWEST_PAIRS, MOST_PAIRS = 20, 300_000  # pairs from which one round of training learns
KEY_RECALL = 0.7  # share of the true pairs that identifying keys are taken to find

# What training looks at, the surest first: facts that mostly one person shares. Never those that a
# household shares, or training finds households.
TRAINING = (
    *(("document",), ("email",), ("given_name", "surname", "birth_date"), ("full_name",)),
    *(("given_name", "surname"), ("phone", "given_name"), ("given_name", "birth_date")),
    *(("birth_date", "surname"), ("birth_date",), ("phone",), ("given_name", "place")),
    *(("surname", "place"), ("surname",)),
)


@dataclass(frozen=True)
class Scores:
    """Pairs, the smaller row first, in their order, and what each field says of them, in bits.

    parts: (pairs, fields); prior: the bits of a pair of which nothing is known.
    """

    low: Ints
    high: Ints
    parts: Floats
    prior: float

    def only(self, is_kept: NDArray[np.bool_]) -> "Scores":
        """Some of the pairs."""
        return Scores(self.low[is_kept], self.high[is_kept], self.parts[is_kept], self.prior)


class Model:
    """A model of one table of records, in a database of its own."""

    def __init__(self, records: Records, engine: str, match_count: int) -> None:
        """Train. match_count: pairs that identifying keys alone would join."""
        self.names = [field.name for field in records.fields]
        self.database = splink_database(engine)
        pair_count = max(len(records) * (len(records) - 1) / 2, 1)
        self.share = min(max(match_count, 1) / KEY_RECALL / pair_count, 0.5)
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name="row",
            comparisons=[comparison(field, records) for field in records.fields],
            blocking_rules_to_generate_predictions=[block_on(self.names[0])],
            probability_two_random_records_match=self.share,
            retain_matching_columns=False,
            retain_intermediate_calculation_columns=True,
        )
        with quiet():
            self.table = splink_table(self.database, records.table())
            self.linker = Linker(self.table, settings, log_level=None)
            self._learn(
                lambda linker: linker.training.estimate_u_using_random_sampling(
                    max_pairs=SAMPLED_PAIRS, seed=SEED
                )
            )
            for rule in training_rules(records):
                self._learn(_training_on(rule))

    def learn_from(self, low: Ints, high: Ints) -> None:
        """Learn what agreement is worth from pairs that are taken to be one person."""
        if not len(low):
            return
        rows = pa.table({"row_l": pa.array(low, pa.int64()), "row_r": pa.array(high, pa.int64())})
        with quiet():
            labels = splink_table(self.database, rows)
            # A model read anew forgets its earlier rounds, which it would else take the mean with.
            self.linker = Linker(self.table, self.linker.misc.save_model_to_json(), log_level=None)
            self._learn(
                lambda linker: _untyped(linker.training).estimate_m_from_pairwise_labels(labels)
            )

    def score(self, low: Ints, high: Ints) -> Scores:
        """Compare pairs of rows."""
        rows = {
            "match_key": pa.array(["0"] * len(low), pa.string()),
            "join_key_l": pa.array(low, pa.int64()),
            "join_key_r": pa.array(high, pa.int64()),
        }
        with quiet():
            blocked = splink_table(self.database, pa.table(rows))
            self.linker.table_management.register_blocked_pairs_for_predict(blocked)
            predicted = self.linker.inference.predict(warning_mode="never")
            found = _untyped(predicted).as_pyarrow_table()
            predicted.drop_table_from_database_and_remove_from_cache()
        order = np.lexsort((found["row_r"].to_numpy(), found["row_l"].to_numpy()))
        wanted = [[f"mw_{name}", f"mw_tf_adj_{name}"] for name in self.names]
        parts = [
            sum(_column(found, name, order) for name in names if name in found.column_names)
            for names in wanted
        ]
        return Scores(
            found["row_l"].to_numpy().astype(np.int64)[order],
            found["row_r"].to_numpy().astype(np.int64)[order],
            np.stack(parts, axis=1),
            float(np.log2(self.share / (1 - self.share))),
        )

    def _learn(self, step: Callable[[Linker], object]) -> None:
        """Learn one thing; where the table is too small or too uniform for it, go on with what is
        known.
        """
        known = self.linker.misc.save_model_to_json()
        try:
            step(self.linker)
        except (SplinkException, ValueError, ZeroDivisionError):
            # A step that fails leaves a model that has lost comparisons.
            self.linker = Linker(self.table, known, log_level=None)


def training_rules(records: Records) -> list[tuple[str, ...]]:
    """The facts to train on: the surest that enough pairs share, until every field was learnt."""
    facts = {name: text_fact(values) for name, values in records.values.items()}
    unlearnt = set(facts)
    rules: list[tuple[str, ...]] = []
    for rule in TRAINING:
        if set(rule) <= set(facts) and unlearnt - set(rule):
            key = reduce(joined_fact, [facts[name] for name in rule])
            sizes = np.unique(key.codes, return_counts=True)[1]
            if FEWEST_PAIRS <= (sizes * (sizes - 1) // 2).sum() <= MOST_PAIRS:
                rules.append(rule)
                unlearnt &= set(rule)
    return rules


def _training_on(rule: tuple[str, ...]) -> Callable[[Linker], object]:
    return lambda linker: linker.training.estimate_parameters_using_expectation_maximisation(
        block_on(*rule), max_pairs=MOST_PAIRS
    )


def _untyped(part: object) -> Any:
    """A part of Splink that has no types."""
    return part


def _column(found: pa.Table, name: str, order: Ints) -> Floats:
    values: Floats = found[name].to_numpy().astype(np.float64)
    return values[order]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Splink's advice to whoever tunes a model out of the log; nobody tunes here."""
    logger = logging.getLogger("splink")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
