"""The vector index against brute force."""

import numpy as np
import pytest

from services.memory.embedding import Vectors
from services.memory.index import PassageIndex


def unit(count: int, seed: int, dimension: int = 48) -> Vectors:
    vectors: Vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_flat_index_is_brute_force(share: float) -> None:
    vectors, query = unit(500, 1), unit(1, 2)[0]
    mask = np.random.default_rng(3).random(500) < share

    rows, products = PassageIndex(vectors).nearest(query, 10, mask)

    allowed = np.flatnonzero(mask)
    expected = allowed[np.argsort(-(vectors[allowed] @ query))][:10]
    assert rows.tolist() == expected.tolist()
    np.testing.assert_allclose(products, vectors[rows] @ query, rtol=1e-5)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
def test_graph_finds_nearly_all_that_brute_force_finds_whatever_the_filter(share: float) -> None:
    vectors, queries = unit(4000, 1), unit(40, 2)
    mask = np.random.default_rng(3).random(4000) < share
    graph, exact = PassageIndex(vectors, flat_up_to=0), PassageIndex(vectors)

    found = [
        len(set(graph.nearest(query, 10, mask)[0]) & set(exact.nearest(query, 10, mask)[0])) / 10 for query in queries
    ]

    assert graph.type == "hnsw"
    assert np.mean(found) >= 0.98


def test_removed_rows_are_never_found() -> None:
    vectors = unit(300, 1)
    mask = np.ones(300, dtype=np.bool_)
    mask[7] = False

    rows, _ = PassageIndex(vectors, flat_up_to=0).nearest(vectors[7], 299, mask)

    assert 7 not in rows


def test_nothing_is_found_where_nothing_is_allowed() -> None:
    index = PassageIndex(unit(10, 1))

    assert len(index.nearest(unit(1, 2)[0], 5, np.zeros(10, dtype=np.bool_))[0]) == 0
    assert len(PassageIndex(unit(0, 1)).nearest(unit(1, 2)[0], 5)[0]) == 0


@pytest.mark.parametrize("flat_up_to", [0, 1000])
def test_vectors_are_kept_as_given(flat_up_to: int) -> None:
    vectors = unit(100, 1)

    assert np.array_equal(PassageIndex(vectors, flat_up_to=flat_up_to).vectors, vectors)
