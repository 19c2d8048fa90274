"""The collection in a file, so that a restart need not read everything from PostgreSQL and build the graph anew.

It is a cache and nothing else: written to the side and renamed, with a checksum over all of it, the database it belongs
to, the model and the position it covers. A file that is missing, cut off, changed, of another database, model or layout
is not used, and what is newer than its position is read from PostgreSQL as always.

The file: eight bytes of magic, SHA-256 of the rest, then a JSON header's length, the header, and arrays end to end.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from services.memory.collection import Collection, Entry, Part, part
from services.memory.failure_modes import VERSION
from services.memory.index import PassageIndex
from services.memory.lexical import Postings

MAGIC = b"AFMEM\x00\x00\x02"
_DIGEST_BYTES = 32


class Unusable(Exception):
    """Why a snapshot cannot be used; the index is rebuilt from PostgreSQL instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def save(collection: Collection, path: Path, *, database: str) -> int:
    """Writes `collection` atomically; returns the bytes. database: an id of the database that it was read from."""
    arrays: list[NDArray[Any]] = []
    header = {
        "database": database,
        "model": collection.model,
        "failure_modes": VERSION,
        "dimension": collection.dimension,
        "position": collection.position,
        "flat_up_to": collection.flat_up_to,
        "parts": [
            _described(each, mask, arrays) for each, mask in zip(collection.parts, collection.present, strict=True)
        ],
    }
    text = orjson.dumps(header | {"arrays": [(array.dtype.str, array.shape) for array in arrays]})
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    digest = hashlib.sha256()
    try:
        with aside.open("wb") as file:
            file.write(MAGIC + bytes(_DIGEST_BYTES))
            for piece in (len(text).to_bytes(8, "little"), text, *(np.ascontiguousarray(a).tobytes() for a in arrays)):
                digest.update(piece)
                file.write(piece)
            size = file.tell()
            file.seek(len(MAGIC))
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return size


def load(path: Path, *, database: str, model: str, dimension: int, newest: int) -> Collection:
    """The collection in `path`. newest: the position of the database, which no snapshot of it can be ahead of.

    Raises Unusable with the reason.
    """
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        raise Unusable("there is none") from None
    except OSError as error:
        raise Unusable(f"it cannot be read: {error.strerror}") from None
    start = len(MAGIC) + _DIGEST_BYTES
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise Unusable("it has another layout")
    if hashlib.sha256(content[start:]).digest() != bytes(content[len(MAGIC) : start]):
        raise Unusable("its checksum is wrong: it was cut off or changed")
    length = int.from_bytes(content[start : start + 8], "little")
    header = orjson.loads(content[start + 8 : start + 8 + length])
    expected = {"database": database, "model": model, "dimension": dimension, "failure_modes": VERSION}
    for said, value in expected.items():
        if header[said] != value:
            raise Unusable(f"it belongs to another {said}")
    if header["position"] > newest:
        raise Unusable("it is ahead of the database, which has lost data")
    arrays = _arrays(content[start + 8 + length :], header["arrays"])
    return _collection(header, arrays)


def _collection(header: dict[str, Any], arrays: Sequence[NDArray[Any]]) -> Collection:
    rest = iter(arrays)
    parts: list[Part] = []
    present: list[NDArray[np.bool_]] = []
    for described in header["parts"]:
        terms = described["terms"]
        postings = Postings(
            {term: row for row, term in enumerate(terms)}, next(rest), next(rest), next(rest), next(rest)
        )
        modes, sizes, mask, stored = next(rest), next(rest), next(rest), next(rest)
        entries = [_entry(each) for each in described["entries"]]
        index = PassageIndex.restored(stored)
        parts.append(part(entries, postings, modes, index.vectors, sizes.tolist(), index=index))
        present.append(mask)
    places = {
        each.name: (at, row)
        for at, (one, mask) in enumerate(zip(parts, present, strict=True))
        for row, each in enumerate(one.entries)
        if mask[row]
    }
    return Collection(
        header["model"],
        header["dimension"],
        header["position"],
        tuple(parts),
        tuple(present),
        places,
        header["flat_up_to"],
    )


def _described(each: Part, present: NDArray[np.bool_], arrays: list[NDArray[Any]]) -> dict[str, Any]:
    found = each.postings
    arrays += [found.starts, found.documents, found.counts, found.lengths]
    arrays += [each.modes, np.diff(each.first_passage), present, each.index.stored()]
    terms = sorted(found.rows_of, key=found.rows_of.__getitem__)
    return {"terms": terms, "entries": [_fields(entry) for entry in each.entries]}


def _fields(entry: Entry) -> list[Any]:
    return [
        entry.name, entry.kind, entry.stream, entry.source_id, entry.url, entry.severity,
        entry.occurred_at.isoformat() if entry.occurred_at else None, entry.services, entry.tags, entry.alert_names,
        sorted(entry.title_terms), entry.position,
    ]  # fmt: skip


def _entry(fields: list[Any]) -> Entry:
    name, kind, stream, source_id, url, severity, occurred_at, services, tags, alerts, title_terms, position = fields
    return Entry(
        name, kind, stream, source_id, url, severity, datetime.fromisoformat(occurred_at) if occurred_at else None,
        tuple(services), tuple(tags), tuple(alerts), frozenset(title_terms), position,
    )  # fmt: skip


def _arrays(content: memoryview, described: Sequence[tuple[str, Sequence[int]]]) -> list[NDArray[Any]]:
    found: list[NDArray[Any]] = []
    at = 0
    for dtype, shape in described:
        kind = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64))
        found.append(np.frombuffer(content, kind, count, at).reshape(shape))
        at += count * kind.itemsize
    return found
