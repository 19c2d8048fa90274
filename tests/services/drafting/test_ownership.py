"""Who owns a service, from whichever file a team keeps."""

from pathlib import Path

import pytest

from services.drafting.ownership import parse, read
from shared.errors import InvalidArgument


@pytest.mark.parametrize(
    "text",
    [
        "orders: team-orders\n",
        "orders: {owner: team-orders}\n",
        "services:\n- {name: orders, owner: team-orders}\n",
        "services:\n  orders: {team: team-orders}\n",
        "metadata: {name: other}\nspec: {owner: somebody}\n---\nmetadata: {name: orders}\nspec: {owner: team-orders}\n",
    ],
)
def test_catalogue_in_yaml_of_any_shape(text: str) -> None:
    assert parse(text, is_yaml=True).owner("orders") == "team-orders"


@pytest.mark.parametrize(
    "text",
    ["* @all\n/services/orders/ @team-orders\n", "orders @team-orders @second\n",
     "# c\n/apps/orders/** @team-orders # x\n"],
)
def test_last_pattern_of_a_codeowners_file_wins(text: str) -> None:
    catalogue = parse(text, is_yaml=False)

    assert catalogue.owner("orders") == "@team-orders"


def test_unknown_service_has_no_owner() -> None:
    assert parse("orders: team-orders\n", is_yaml=True).owner("billing") == ""
    assert parse("* @all\n", is_yaml=False).owner("billing") == "@all"


@pytest.mark.parametrize("text", ["- just\n- a list\n", "orders: [1]\n", "a: b: c\n"])
def test_yaml_of_no_known_shape_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InvalidArgument, match="ownership catalogue"):
        parse(text, is_yaml=True)


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="cannot be read"):
        read(tmp_path / "absent.yaml")
