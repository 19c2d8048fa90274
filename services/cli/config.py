"""`afteraction config`: every setting with its value and where that comes from."""

import importlib
import os
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from services.cli.output import Json, console, print_json, print_table
from services.cli.serve import SERVICES
from shared.settings import Common, Origin, SettingsError, load, origins, read_file


def config(is_diff: Annotated[bool, typer.Option("--diff", help="Only what differs from the defaults.")] = False,
           is_json: Json = False) -> None:
    """Prints the settings with their origin; a wrong one is told with its reason."""
    file = read_file(os.environ)
    found: list[tuple[str, Origin]] = []
    problems: list[str] = []
    for section, settings in settings_classes():
        try:
            load(settings, section=section, environ=os.environ, file=file)
            found += [(section or "common", each) for each in origins(settings, section=section, environ=os.environ,
                                                                      file=file)]
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    shown = [(section, each) for section, each in found if not is_diff or each.value != each.default]
    if is_json:
        print_json([{"section": section, "variable": each.variable, "value": _text(each, each.value),
                     "default": _text(each, each.default), "origin": each.source, "help": each.help}
                    for section, each in shown])
        return
    print_table(("setting", "value", "from", "default" if is_diff else "what for"), [
        (each.variable, _text(each, each.value), each.source, _text(each, each.default) if is_diff else each.help)
        for _, each in shown], empty="Every setting has its default.")
    if not is_diff:
        console.print("\nafteraction.toml may set the same: `search_threads = 4` in its table [memory] stands for "
                      "AFTERACTION_MEMORY_SEARCH_THREADS=4.", markup=False)


def settings_classes() -> Iterator[tuple[str, type[Any]]]:
    """The sections with their dataclasses. Those of the services are looked up by name: the command line is a client of
    the services and otherwise imports nothing of theirs."""
    yield "", Common
    for service in SERVICES:
        yield service, importlib.import_module(f"services.{service}.settings").Settings


def _text(origin: Origin, value: object) -> str:
    if origin.is_secret and value:
        return "(set)"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return "" if value is None else str(value)
