"""The collection against a dictionary: whatever is put in, replaced, forgotten, merged and rebuilt."""

from collections.abc import Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.memory.collection import Collection, Entry, Forgotten, Part, Remembered
from services.memory.documents import LIVE
from services.memory.failure_modes import modes
from services.memory.search import Filter, Query, search
from services.memory.visibility import view

DIMENSION = 8
NAMES = st.integers(0, 9).map(lambda number: f"documents/{number}")


def remembered(name: str, word: str, position: int, passages: int = 2) -> Remembered:
    """A document that says `word`; its vectors point where its word does."""
    direction = np.random.default_rng(len(word) * 100 + ord(word[0])).normal(size=DIMENSION)
    vectors = np.tile(direction / np.linalg.norm(direction), (passages, 1)).astype(np.float32)
    entry = Entry(name, 1, LIVE, "", "", 0, None, (), (), (), frozenset([word]), position)
    return Remembered(entry, {word: 3}, modes(word), vectors)


def found(collection: Collection, word: str) -> list[str]:
    vector = remembered("x", word, 0).vectors[0]
    answer = search(view(collection, LIVE, None), Query(text=word), vector, Filter(), limit=100)
    return sorted(hit.entry.name for hit in answer.hits if hit.lexical > 0)


class CollectionAgainstDictionary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.collection = Collection("model", DIMENSION, flat_up_to=12)
        self.truth: dict[str, str] = {}
        self.building: Part | None = None
        self.held = 0

    @rule(changes=st.lists(st.tuples(NAMES, st.sampled_from(["pool", "disk", "node", None])), min_size=1, max_size=6))
    def change(self, changes: Sequence[tuple[str, str | None]]) -> None:
        position = self.collection.position + 1
        done = [
            Forgotten(name, position) if word is None else remembered(name, word, position) for name, word in changes
        ]
        self.collection = self.collection.with_changes(done, position)
        for name, word in changes:
            if word is None:
                self.truth.pop(name, None)
            else:
                self.truth[name] = word

    @rule()
    def begin_rebuilding(self) -> None:
        if self.building is None and self.collection.wants_rebuilding:
            self.collection = self.collection.holding()
            self.held = self.collection.held
            self.building = self.collection.rebuilt()

    @rule()
    def end_rebuilding(self) -> None:
        if self.building is not None:
            self.collection = self.collection.with_part(self.building, 0, self.held)
            self.building = None

    @invariant()
    def holds_just_what_was_put_in(self) -> None:
        assert self.collection.documents == len(self.truth)
        assert self.collection.passages == 2 * len(self.truth)
        assert set(self.collection.places) == set(self.truth)

    @invariant()
    def finds_each_document_by_its_present_word(self) -> None:
        for word in ("pool", "disk", "node"):
            assert found(self.collection, word) == sorted(name for name, said in self.truth.items() if said == word)


CollectionAgainstDictionary.TestCase.settings = settings(max_examples=60, stateful_step_count=20)
TestCollection = CollectionAgainstDictionary.TestCase


def test_many_small_changes_leave_few_parts() -> None:
    collection = Collection("model", DIMENSION)
    for number in range(200):
        collection = collection.with_changes([remembered(f"documents/{number}", "pool", number + 1)], number + 1)

    assert collection.documents == 200
    assert len(collection.parts) <= 8
