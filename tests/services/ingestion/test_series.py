"""Which series there are, within the limits."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.series import DROPPED, Registry, Series, Source, Type, series_id


def series(name: str = "m", service: str = "shop", **attributes: str) -> Series:
    return Series(service, name, "1", Type.GAUGE, Source.METRIC, attributes)


texts = st.text(max_size=4)


@given(st.tuples(texts, texts, st.dictionaries(texts, texts, max_size=2)),
       st.tuples(texts, texts, st.dictionaries(texts, texts, max_size=2)))
def test_ids_are_the_same_for_the_same_series_alone(one: tuple[str, str, dict[str, str]],
                                                    other: tuple[str, str, dict[str, str]]) -> None:
    left, right = (Series(service, name, "", Type.GAUGE, Source.METRIC, attributes)
                   for service, name, attributes in (one, other))

    assert (series_id(left) == series_id(right)) == (one == other)


def test_id_does_not_depend_on_the_order_of_attributes_and_never_changes() -> None:
    first = series_id(series(pod="a", zone="b"))

    assert first == series_id(series(zone="b", pod="a")) == 3_759_960_275_342_025_706


def test_limit_of_a_service_costs_the_others_nothing() -> None:
    registry = Registry(per_service=2, in_all=10)
    found = [registry.admit(series(name)) for name in "abcd"]

    assert [each == DROPPED for each in found] == [False, False, True, True]
    assert registry.admit(series("a")) == found[0]
    assert registry.admit(series("a", "other")) != DROPPED
    assert registry.dropped == {"shop": 2}


def test_services_that_come_after_the_limit_in_all_are_counted_together() -> None:
    registry = Registry(per_service=10, in_all=1)
    registry.admit(series())
    for number in range(50):
        registry.admit(series(service=f"random-{number}"))

    assert registry.dropped == {"(new services)": 50}


def test_what_is_forgotten_makes_room() -> None:
    registry = Registry(per_service=1, in_all=1)
    registry.forget([registry.admit(series("a"))])

    assert registry.admit(series("b")) != DROPPED


def test_series_of_a_key_is_made_once_and_anew_after_it_was_forgotten() -> None:
    registry, made = Registry(per_service=9, in_all=9), []

    def make() -> Series:
        made.append(1)
        return series()
    identifier = registry.admit_as("key", make)
    assert registry.admit_as("key", make) == identifier
    assert len(made) == 1

    registry.forget([identifier])

    assert registry.admit_as("key", make) == identifier
    assert len(made) == 2
    assert list(registry.fresh([identifier])) == [identifier]


def test_definition_waits_until_it_is_stored() -> None:
    registry = Registry(per_service=9, in_all=9)
    identifier = registry.admit(series())

    assert list(registry.fresh([identifier])) == [identifier]
    registry.stored([identifier])
    assert registry.fresh([identifier]) == {}
    assert registry.take_used() == [identifier]
    assert registry.take_used() == []
