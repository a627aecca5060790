"""The comparison model: how much each agreement and disagreement of two records weighs.

How often two people agree by chance is known and written down here for a group of a million
members; a sample of a small group would mistake its own families for chance. How often two records
of one person agree is estimated by Splink (expectation maximisation over pairs that agree
elsewhere). The result is frozen as comparison.json and reviewed like code; a night never trains.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import splink.comparison_level_library as levels
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.comparison_library import CustomComparison

from identity_resolution.compare import PEOPLE, PERSONAL, unseal_lake
from identity_resolution.engine import DuckDbEngine
from identity_resolution.inputs import show_inputs, show_people
from identity_resolution.settings import MODEL_FILE
from ingest.core.lake import Lake
from ingest.core.settings import Settings

# 2.2 million accounts and 2.4 million pairs of accounts of one person.
CHANCE_OF_A_RANDOM_PAIR = 1e-6
# Of two different people:
SAME_NAME = 3e-5  # sum of squared shares of full names, with the surnames' public shares
SAME_SOUND = 1.5e-5  # another name of the same pinyin
CLOSE_SOUND = 2.5e-4  # pinyin that differs in one letter
SAME_BIRTH = 4.6e-5  # one day in sixty years
CLOSE_BIRTH = 2e-3  # one digit of eight differs
SAME_MOBILE = 1e-6  # a family's shared phone
CLOSE_MOBILE = 1.2e-8  # 99 numbers of some 8 billion differ in one digit
SAME_GENDER = 0.5
SAME_ADDRESS = 4e-6  # people of one flat
# Nothing is so rare that a slip of the pen could not do it.
LEAST_M = 0.005


def comparison_settings() -> SettingsCreator:
    """The fields and how closely they may agree, in functions that both engines have."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        probability_two_random_records_match=CHANCE_OF_A_RANDOM_PAIR,
        blocking_rules_to_generate_predictions=[block_on("pair_id")],
        additional_columns_to_retain=["pair_id"],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
        comparisons=[
            _comparison(
                "name",
                levels.And(levels.NullLevel("name"), levels.NullLevel("name_key")),
                (levels.ExactMatchLevel("name"), SAME_NAME),
                (levels.ExactMatchLevel("name_key"), SAME_SOUND),
                (levels.LevenshteinLevel("name_key", 1), CLOSE_SOUND),
            ),
            _comparison(
                "birth",
                levels.NullLevel("birth"),
                (levels.ExactMatchLevel("birth"), SAME_BIRTH),
                (levels.LevenshteinLevel("birth", 1), CLOSE_BIRTH),
            ),
            _comparison(
                "mobile",
                levels.NullLevel("mobile"),
                (levels.ExactMatchLevel("mobile"), SAME_MOBILE),
                (levels.LevenshteinLevel("mobile", 1), CLOSE_MOBILE),
            ),
            _comparison(
                "gender",
                levels.NullLevel("gender"),
                (levels.ExactMatchLevel("gender"), SAME_GENDER),
            ),
            _comparison(
                "address",
                levels.NullLevel("address"),
                (levels.ExactMatchLevel("address"), SAME_ADDRESS),
            ),
        ],
    )


def _comparison(name: str, unknown: Any, *agreeing: tuple[Any, float]) -> CustomComparison:
    rest = 1 - sum(chance for _, chance in agreeing)
    known = [*agreeing, (levels.ElseLevel(), rest)]
    configured = [
        level.configure(u_probability=chance, fix_u_probability=True) for level, chance in known
    ]
    return CustomComparison(output_column_name=name, comparison_levels=[unknown, *configured])


def trained_model(database: Any, records: Any) -> dict[str, Any]:
    """A model in Splink's form from a table of records (unique_id, pair_id and the fields)."""
    linker = Linker(database.register(records), comparison_settings(), log_level=None)
    for fields in (("mobile",), ("name_key", "birth")):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*fields))
    model: dict[str, Any] = linker.misc.save_model_to_json(out_path=None)
    model["linker_uid"] = "onemember"
    for comparison in model["comparisons"]:
        for level in comparison["comparison_levels"]:
            # What DuckDB quotes as a name is a text to Spark.
            level["sql_condition"] = level["sql_condition"].replace('"', "")
        known = [each for each in comparison["comparison_levels"] if "u_probability" in each]
        chances = [max(each.get("m_probability", 0.0), LEAST_M) for each in known]
        for level, chance in zip(known, chances, strict=True):
            level["m_probability"] = round(chance / sum(chances), 6)
    return model


def write_model(path: Path, model: dict[str, Any]) -> None:
    """Freeze a model."""
    text = json.dumps(model, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def train_on_night(settings: Settings, night: date) -> str:
    """Make comparison.json anew from the accounts of a staged night; what was done."""
    lake = Lake(settings.lake)
    with duckdb.connect(config={"memory_limit": settings.memory_limit}) as connection:
        engine = DuckDbEngine(connection)
        show_inputs(engine, lake, night)
        show_people(engine)
        engine.table("candidate_accounts", EVERYBODY)
        unseal_lake(engine, lake, settings.keys_file)
        engine.table("compared_people", PEOPLE)
        engine.table("records", RECORDS)
        model = trained_model(DuckDBAPI(connection), connection.table("records"))
        count = engine.rows("select count(*) as n from records")["n"][0].as_py()
    write_model(MODEL_FILE, model)
    return f"{MODEL_FILE.name} made of {count} records of {night}; look at its differences"


EVERYBODY = """
select
    cast(row_number() over (order by source, account_id) as integer) as account,
    source,
    account_id
from input_accounts
"""
RECORDS = """
select p.account as unique_id, p.account as pair_id, {fields}, a.gender
from compared_people p
join candidate_accounts c on c.account = p.account
join input_accounts a on a.source = c.source and a.account_id = c.account_id
""".format(fields=", ".join(f"p.{name}" for name in PERSONAL))
