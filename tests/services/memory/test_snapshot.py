"""The index file: whatever happens to it costs a rebuild at most."""

from pathlib import Path

import pytest

from afteraction.v1 import memory_service_pb2 as pb
from services.memory import snapshot
from services.memory.collection import Collection
from services.memory.snapshot import Unusable
from tests.services.memory.conftest import Start
from tests.services.memory.test_collection import DIMENSION, found, remembered

TEXT = "# Login down\n\n## Summary\n\nThe TLS certificate of the identity provider had expired.\n"


def some(*, flat_up_to: int = 100) -> Collection:
    collection = Collection("model", DIMENSION, flat_up_to=flat_up_to)
    for number, word in enumerate(("pool", "disk", "pool", "node")):
        collection = collection.with_changes([remembered(f"documents/{number}", word, number + 1)], number + 1)
    return collection


def load(path: Path, **other: object) -> Collection:
    expected = {"database": "db", "model": "model", "dimension": DIMENSION, "newest": 10} | other
    return snapshot.load(path, **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("flat_up_to", [100, 0])
def test_collection_comes_back_as_it_was(tmp_path: Path, flat_up_to: int) -> None:
    before = some(flat_up_to=flat_up_to)
    snapshot.save(before, tmp_path / "index", database="db")

    after = load(tmp_path / "index")

    assert (after.position, after.documents, after.passages) == (before.position, before.documents, before.passages)
    assert after.places == before.places
    assert [part.entries for part in after.parts] == [part.entries for part in before.parts]
    assert [part.index.type for part in after.parts] == [part.index.type for part in before.parts]
    assert found(after, "pool") == ["documents/0", "documents/2"]
    grown = after.with_changes([remembered("documents/9", "pool", 9)], 9)
    assert found(grown, "pool") == ["documents/0", "documents/2", "documents/9"]


@pytest.mark.parametrize(
    ("other", "reason"),
    [({"database": "x"}, "another database"), ({"model": "x"}, "another model"), ({"newest": 3}, "ahead")],
)
def test_file_of_another_world_is_not_used(tmp_path: Path, other: dict[str, object], reason: str) -> None:
    snapshot.save(some(), tmp_path / "index", database="db")

    with pytest.raises(Unusable, match=reason):
        load(tmp_path / "index", **other)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_file_that_was_cut_off_is_not_used(tmp_path: Path, share: float) -> None:
    path = tmp_path / "index"
    size = snapshot.save(some(), path, database="db")
    path.write_bytes(path.read_bytes()[: int(size * share)])

    with pytest.raises(Unusable):
        load(path)


def test_file_in_which_one_bit_changed_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "index"
    snapshot.save(some(), path, database="db")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)

    with pytest.raises(Unusable, match="checksum"):
        load(path)


def test_missing_file_is_not_used(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="none"):
        load(tmp_path / "index")


@pytest.mark.parametrize("harm", ["none", "deleted", "cut off"])
async def test_service_knows_everything_after_a_restart_whatever_the_file(
    start: Start, tmp_path: Path, harm: str
) -> None:
    path = tmp_path / "memory" / "index"
    async with start.until_stopped(index_file=path) as one:
        await one.remember("Login down", TEXT)
        gone = await one.remember("Gone", TEXT, source_id="gone")
        forgotten = await one.stub.Forget(pb.ForgetRequest(name=gone.document.name))
        before = await one.search("certificate expired", forgotten.position)
    assert path.exists()
    if harm == "deleted":
        path.unlink()
    elif harm == "cut off":
        path.write_bytes(path.read_bytes()[:-10])

    async with start.until_stopped(pool=one.pool, index_file=path) as again:
        after = await again.search("certificate expired")

    assert list(after.results) == list(before.results)

