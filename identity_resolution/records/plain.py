"""Splink as its documentation uses it, to compare with: its ready-made comparisons, a handful of
blocking rules, and connected components at a threshold.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import splink.comparison_library as library
from splink import Linker, SettingsCreator, block_on
from splink.internals.exceptions import SplinkException

from identity_resolution.engine import splink_database, splink_table
from identity_resolution.records.blocking import Ints
from identity_resolution.records.keys import IDENTIFYING, identified_pairs
from identity_resolution.records.model import SEED, quiet
from identity_resolution.records.table import Field, Records

USUAL_THRESHOLD = 0.95
THRESHOLDS = (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 0.9999)
RECALL = 0.7
SAMPLED_PAIRS = 2_000_000
BLOCKING = (
    *(("document",), ("email",), ("phone",), ("given_name", "surname"), ("full_name",)),
    *(("surname", "birth_date"), ("given_name", "birth_date"), ("birth_date", "postcode")),
    *(("surname", "postcode"), ("given_name", "postcode"), ("surname", "street_number", "address")),
    *(("given_name", "street_number", "address"),),
)
# A table of up to so many records is blocked on single columns besides, as the tutorials do.
SMALL_TABLE = 6_000
SMALL_BLOCKING = (("given_name",), ("surname",), ("birth_date",))
TRAINING = (("given_name", "surname"), ("birth_date",), ("full_name",), ("document",), ("email",))


def plain_clusters(
    records: Records, engine: str, thresholds: tuple[float, ...] = THRESHOLDS
) -> dict[float, Ints]:
    """The clusters of plain Splink at each threshold, named by their smallest row; none where
    Splink cannot learn from the table.
    """
    names = {field.name for field in records.fields}
    used = BLOCKING + (SMALL_BLOCKING if len(records) <= SMALL_TABLE else ())
    blocking: list[Any] = [block_on(*rule) for rule in used if names.issuperset(rule)]
    if not blocking:
        return {}
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="row",
        comparisons=[_usual(field) for field in records.fields],
        blocking_rules_to_generate_predictions=blocking,
    )
    database = splink_database(engine)
    try:
        with quiet():
            table = splink_table(database, records.table())
            linker = _trained(Linker(table, settings, log_level=None), table, names, records)
            predicted = linker.inference.predict(warning_mode="never")
            return {
                threshold: _clusters(linker, predicted, threshold, len(records))
                for threshold in thresholds
            }
    except (SplinkException, ValueError, ZeroDivisionError):
        return {}


def _trained(linker: Linker, table: Any, names: set[str], records: Records) -> Linker:
    """Trained as in Splink's tutorials; a rule that Splink cannot learn from is left out."""
    rules: list[Any] = [block_on(*rule) for rule in IDENTIFYING if names.issuperset(rule)]
    if len(identified_pairs(records)[0]):
        linker.training.estimate_probability_two_random_records_match(rules, recall=RECALL)
    linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLED_PAIRS, seed=SEED)
    for rule in TRAINING:
        if names > set(rule):
            known = linker.misc.save_model_to_json()
            try:
                linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
            except (SplinkException, ValueError):
                linker = Linker(table, known, log_level=None)
    return linker


def _clusters(linker: Linker, predicted: Any, threshold: float, count: int) -> Ints:
    clustered: Any = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predicted, threshold_match_probability=threshold
    )
    found = clustered.as_pyarrow_table()
    cluster = np.zeros(count, dtype=np.int64)
    cluster[found["row"].to_numpy()] = np.unique(
        found["cluster_id"].to_numpy(zero_copy_only=False), return_inverse=True
    )[1]
    return cluster


def _usual(field: Field) -> Any:
    return USUAL.get(field.kind, _exact)(field.name)


def _exact(name: str) -> Any:
    return library.ExactMatch(name).configure(term_frequency_adjustments=True)


def _edits(name: str) -> Any:
    return library.DamerauLevenshteinAtThresholds(name, [1, 2])


USUAL: dict[str, Callable[[str], Any]] = {
    "given_name": library.NameComparison,
    "surname": library.NameComparison,
    "full_name": library.NameComparison,
    "birth_date": lambda name: library.DateOfBirthComparison(
        name, input_is_string=True, datetime_format="%Y%m%d"
    ),
    "email": library.EmailComparison,
    "document": _edits,
    "phone": _edits,
    "street_number": _edits,
    "postcode": _edits,
    "address": lambda name: library.JaroWinklerAtThresholds(name, [0.9, 0.7]).configure(
        term_frequency_adjustments=True
    ),
    "place": lambda name: library.JaroWinklerAtThresholds(name, [0.9, 0.7]).configure(
        term_frequency_adjustments=True
    ),
}
