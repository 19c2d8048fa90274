"""Attributes of a series or an event among the values of its evidence."""

from collections.abc import Mapping


def pairs(attributes: Mapping[str, str]) -> dict[str, str]:
    """By the name under which they stand there."""
    return {f"attribute.{name}": value for name, value in sorted(attributes.items())}
