"""BM25, held equal to bm25s."""

from collections import Counter

import bm25s
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.memory.lexical import K1, B, merged, postings, rarity, scores, statistics

WORDS = st.sampled_from(["pool", "connection", "timeout", "certificate", "expired", "disk", "full", "node", "pod"])
DOCUMENTS = st.lists(st.lists(WORDS, min_size=1, max_size=12), min_size=1, max_size=12)


def ours(documents: list[list[str]], query: list[str]) -> np.ndarray:
    part = postings([Counter(document) for document in documents])
    everything = [np.ones(len(documents), dtype=np.bool_)]
    known = statistics([part], everything)
    weights = {
        term: count * rarity(term, [part], everything, known, unseen=0) for term, count in Counter(query).items()
    }
    return scores(part, weights, known.mean_length)


@settings(max_examples=50)
@given(DOCUMENTS, st.lists(WORDS, min_size=1, max_size=6))
def test_scores_are_those_of_bm25s(documents: list[list[str]], query: list[str]) -> None:
    library = bm25s.BM25(k1=K1, b=B, method="lucene")
    library.index(documents, show_progress=False)
    known = [word for word in query if word in library.vocab_dict]

    expected = library.get_scores(known) if known else np.zeros(len(documents))

    # The library counts a term of the query once however often it is said; so the comparison does.
    np.testing.assert_allclose(ours(documents, list(dict.fromkeys(query))), _once(library, known, expected), rtol=1e-4)


def _once(library: bm25s.BM25, known: list[str], expected: np.ndarray) -> np.ndarray:
    unique = list(dict.fromkeys(known))
    return library.get_scores(unique) if unique else expected


@given(DOCUMENTS, DOCUMENTS, st.data())
def test_merged_parts_score_as_if_they_had_been_one(
    first: list[list[str]], second: list[list[str]], data: st.DataObject
) -> None:
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(first), max_size=len(first))), dtype=np.bool_)
    kept = [document for document, stays in zip(first, keep, strict=True) if stays] + second
    together = merged(
        [postings([Counter(d) for d in first]), postings([Counter(d) for d in second])],
        [keep, np.ones(len(second), dtype=np.bool_)],
    )
    alone = postings([Counter(document) for document in kept])

    weights = {"pool": 1.0, "disk": 2.0, "missing": 3.0}

    np.testing.assert_allclose(scores(together, weights, 5.0), scores(alone, weights, 5.0), rtol=1e-6)
