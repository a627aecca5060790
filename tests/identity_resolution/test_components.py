"""Components by SQL contraction and by union-find against a plain search."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from identity_resolution.components import find_components
from identity_resolution.engine import DuckDbEngine
from tests.identity_resolution.worlds import InBlocks

CONNECTION = duckdb.connect(config={"threads": 1})
ENGINES = [DuckDbEngine(CONNECTION), InBlocks(CONNECTION)]
Edge = tuple[int, int]


def components(edges: list[Edge], engine: DuckDbEngine) -> dict[int, int]:
    """What an engine finds: with blocks by SQL, without them by union-find."""
    low, high = zip(*edges, strict=True) if edges else ((), ())
    kind = pa.int32()
    engine.load("edges", pa.table({"low": pa.array(low, kind), "high": pa.array(high, kind)}))
    find_components(engine, "edges", "components")
    found = engine.rows("select account, component from components").to_pylist()
    assert len({row["account"] for row in found}) == len(found)
    return {row["account"]: row["component"] for row in found}


def searched(edges: list[Edge]) -> dict[int, int]:
    """The smallest account that can be reached from each."""
    smallest = {account: account for edge in edges for account in edge}
    for _ in smallest:
        for low, high in edges:
            smallest[low] = smallest[high] = min(smallest[low], smallest[high])
    return smallest


@pytest.mark.parametrize("engine", ENGINES)
def test_accounts_without_edges_have_no_component(engine: DuckDbEngine) -> None:
    assert components([], engine) == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_chain_is_one_component_and_a_pair_beside_it_another(engine: DuckDbEngine) -> None:
    chain = [(account, account + 1) for account in range(1, 9)]
    assert components([*chain, (20, 30)], engine) == dict.fromkeys(range(1, 10), 1) | {
        20: 20,
        30: 20,
    }


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(lambda edge: edge[0] < edge[1]),
        max_size=40,
    )
)
@example([(1, 9), (2, 9), (2, 8), (3, 8), (3, 7)])  # every smaller account is a local minimum
def test_components_are_what_a_search_finds(edges: list[Edge]) -> None:
    for engine in ENGINES:
        assert components(edges, engine) == searched(edges)
