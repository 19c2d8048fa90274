"""Settings: typed, from environment and file, refused all at once."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from shared.rpc.server import check_exposure
from shared.settings import Common, SettingsError, load, origins, parse_duration, read_file


@dataclass(frozen=True, slots=True)
class Example:
    threads: int = field(default=2, metadata={"help": "how many", "example": "4"})
    hold: timedelta = timedelta(minutes=5)
    is_strict: bool = False
    names: tuple[str, ...] = ()
    prices: dict[str, float] = field(default_factory=dict)


def test_environment_wins_over_file_and_file_over_default() -> None:
    settings = load(Example, section="example", environ={"AFTERACTION_EXAMPLE_THREADS": "8"},
                    file={"example": {"threads": 4, "hold": "90s"}})

    assert (settings.threads, settings.hold, settings.is_strict) == (8, timedelta(seconds=90), False)


def test_every_kind_of_value_is_read_from_a_string() -> None:
    settings = load(Example, section="example", environ={
        "AFTERACTION_EXAMPLE_IS_STRICT": "yes", "AFTERACTION_EXAMPLE_NAMES": "a, b",
        "AFTERACTION_EXAMPLE_PRICES": "checkout=50,cart=1.5"})

    assert settings == Example(is_strict=True, names=("a", "b"), prices={"checkout": 50.0, "cart": 1.5})


def test_all_problems_are_told_at_once_with_an_example() -> None:
    with pytest.raises(SettingsError) as caught:
        load(Example, section="example", environ={"AFTERACTION_EXAMPLE_THREADS": "many",
                                                  "AFTERACTION_EXAMPLE_IS_STRICT": "perhaps"},
             file={"example": {"treads": 3}})

    told = "\n".join(caught.value.problems)
    assert "AFTERACTION_EXAMPLE_THREADS: 'many' is not a number; for example 4" in told
    assert "'perhaps' is neither true nor false" in told
    assert "treads: no such setting" in told


def test_origin_of_each_value_is_known() -> None:
    found = {each.variable: each.source for each in origins(
        Example, section="example", environ={"AFTERACTION_EXAMPLE_THREADS": "8"}, file={"example": {"hold": "1m"}})}

    assert found["AFTERACTION_EXAMPLE_THREADS"] == "AFTERACTION_EXAMPLE_THREADS"
    assert found["AFTERACTION_EXAMPLE_HOLD"] == "file"
    assert found["AFTERACTION_EXAMPLE_NAMES"] == "default"


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(SettingsError, match="AFTERACTION_TLS_KEY"):
        load(Common, section="", environ={"AFTERACTION_TLS_CERTIFICATE": "cert.pem"})


def test_address_beyond_loopback_needs_tls_and_a_token() -> None:
    check_exposure("127.0.0.1:7404", Common())
    with pytest.raises(SettingsError, match="AFTERACTION_TOKEN"):
        check_exposure("0.0.0.0:7404", Common())


def test_file_that_is_not_toml_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "afteraction.toml"
    path.write_text("threads = = 3")

    with pytest.raises(SettingsError, match=r"afteraction\.toml cannot be read"):
        read_file({"AFTERACTION_CONFIG_FILE": str(path)})


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400),
                                                ("250ms", 0.25), ("7d", 604800)])
def test_durations_are_read_with_their_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
