"""Vectors of passages in FAISS: exact up to a size, a navigable graph above it; immutable once built.

A graph of FAISS cannot forget, and a filter that lets little through costs it recall. So removal is a mask over the
rows, the graph is rebuilt behind when the mask has grown, and where few rows pass the mask they are compared exactly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from services.memory.embedding import Vectors
from services.memory.lexical import Mask

FLAT_UP_TO = 5_000
"""Passages up to which comparing with all is about as fast as the graph is with what a search asks of it: 0.16 against
0.21 ms at 2,000, 0.8 against 0.4 ms at 5,000. Below, a graph is not worth its rebuilding; see docs/benchmarks."""

NEIGHBOURS = 16  # edges a node has; 32 on the lowest level
BUILD_BREADTH = 80
SEARCH_BREADTH = 96
EXACT_BELOW = 0.05
"""Share of rows that pass the mask under which comparing those exactly beats a graph that mostly visits others."""

Rows = NDArray[np.int64]

# What FAISS generates from C++ has other signatures than its stubs say.
faiss: Any = _faiss


class PassageIndex:
    """The vectors of some passages; rows are numbered from 0 in the order given."""

    def __init__(self, vectors: Vectors, *, flat_up_to: int = FLAT_UP_TO) -> None:
        """vectors: unit length, float32, shape (passages, dimension). They are copied once and kept nowhere else."""
        dimension = vectors.shape[1]
        self.type = "flat" if len(vectors) <= flat_up_to else "hnsw"
        if self.type == "flat":
            self._index: Any = faiss.IndexFlatIP(dimension)
            self._storage: Any = self._index
        else:
            self._index = faiss.IndexHNSWFlat(dimension, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
            self._index.hnsw.efConstruction = BUILD_BREADTH
            self._storage = faiss.downcast_index(self._index.storage)
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    @classmethod
    def restored(cls, stored: NDArray[np.uint8]) -> PassageIndex:
        """The index that `stored()` gave."""
        index = cls.__new__(cls)
        index._index = faiss.deserialize_index(stored)
        index.type = "hnsw" if hasattr(index._index, "hnsw") else "flat"
        index._storage = index._index if index.type == "flat" else faiss.downcast_index(index._index.storage)
        return index

    def stored(self) -> NDArray[np.uint8]:
        """The index as bytes, shape (bytes,), vectors and graph."""
        content: NDArray[np.uint8] = faiss.serialize_index(self._index)
        return content

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def vectors(self) -> Vectors:
        """All vectors, shape (passages, dimension): a view into FAISS's own memory, not to be written to."""
        size = len(self) * self._index.d
        view: Vectors = faiss.rev_swig_ptr(self._storage.get_xb(), size) if size else np.zeros(0, np.float32)
        return view.reshape(len(self), self._index.d)

    @property
    def bytes(self) -> int:
        """Memory for vectors and graph."""
        graph = 0 if self.type == "flat" else 4 * int(self._index.hnsw.neighbors.size())
        return 4 * len(self) * int(self._index.d) + graph

    def nearest(
        self, query: Vectors, count: int, mask: Mask | None = None, *, breadth: int = SEARCH_BREADTH
    ) -> tuple[Rows, NDArray[np.float32]]:
        """The rows with the largest inner product with `query`, best first, and that product.

        query: shape (dimension,). mask: shape (passages,), the rows that may be found; None or all true: all.
        breadth: how many rows a graph keeps in view; more finds more and takes longer.
        """
        passing = len(self) if mask is None else int(np.count_nonzero(mask))
        if passing == len(self):
            mask = None
        count = min(count, passing)
        if count == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if mask is not None and (passing <= count or (self.type == "hnsw" and passing < EXACT_BELOW * len(self))):
            return self._among(np.flatnonzero(mask), query, count)
        asked = np.ascontiguousarray(query, dtype=np.float32)
        products, rows = np.empty(count, np.float32), np.empty(count, np.int64)
        # FAISS's own Python method takes as long to check its arguments as the graph takes to answer.
        self._index.search_c(
            1, faiss.swig_ptr(asked), count, faiss.swig_ptr(products), faiss.swig_ptr(rows),
            self._parameters(mask, max(breadth, count)),
        )  # fmt: skip
        # Few rows that pass are not always all reached; what is missing is -1 and comes last.
        reached = count if rows[-1] >= 0 else int(np.count_nonzero(rows >= 0))
        return rows[:reached], products[:reached]

    def _among(self, rows: Rows, query: Vectors, count: int) -> tuple[Rows, NDArray[np.float32]]:
        products = self.vectors[rows] @ query
        best = np.argsort(-products, kind="stable")[:count]
        return rows[best], products[best]

    def _parameters(self, mask: Mask | None, breadth: int) -> Any:
        if self.type == "hnsw" and mask is None:
            return _graph_parameters(breadth)
        if self.type == "hnsw":
            parameters = faiss.SearchParametersHNSW(efSearch=breadth)
        elif mask is None:
            return None
        else:
            parameters = faiss.SearchParameters()
        if mask is not None:
            bits = np.packbits(mask, bitorder="little")
            parameters.sel = faiss.IDSelectorBitmap(bits)
            # FAISS keeps a pointer only.
            parameters.referenced_objects = [parameters.sel, bits]
        return parameters


@lru_cache(maxsize=64)
def _graph_parameters(breadth: int) -> Any:
    """Of a search without a mask; FAISS only reads them, so searches share them."""
    return faiss.SearchParametersHNSW(efSearch=breadth)
