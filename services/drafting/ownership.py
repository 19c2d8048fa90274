"""Who owns a service: from a CODEOWNERS file or a YAML catalogue, whichever the team keeps.

YAML is either `service: team` or entries in the manner of Backstage (`metadata.name` and `spec.owner`) or of a list
(`services: [{name, owner}]`). In CODEOWNERS the last pattern that matches one of `/service`, `/services/service` and
`/apps/service` wins, as it does for files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from shared.errors import InvalidArgument

_PLACES = ("{service}", "services/{service}", "apps/{service}", "packages/{service}", "src/{service}", "cmd/{service}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Owners by service and by path pattern. An empty one knows nobody."""

    teams: Mapping[str, str] = field(default_factory=dict)
    # Pattern and owner, the last that matches wins.
    patterns: tuple[tuple[str, str], ...] = ()

    def owner(self, service: str) -> str:
        """The team that owns `service`; empty where the catalogue does not say."""
        if service in self.teams:
            return self.teams[service]
        for pattern, owner in reversed(self.patterns):
            if any(_matches(pattern, place.format(service=service)) for place in _PLACES):
                return owner
        return ""


def read(path: Path) -> Catalogue:
    """The catalogue in the file at `path`. Raises InvalidArgument when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(
            f"the ownership catalogue {path} cannot be read: {error}", reason="CATALOGUE_UNREADABLE", field="catalogue"
        ) from error
    return parse(text, is_yaml=path.suffix in (".yaml", ".yml"))


def parse(text: str, *, is_yaml: bool) -> Catalogue:
    """The catalogue in `text`. Raises InvalidArgument when it is YAML of no known shape."""
    if not is_yaml:
        return Catalogue(patterns=tuple(_rules(text)))
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        raise InvalidArgument(
            f"the ownership catalogue is not YAML: {error}", reason="CATALOGUE_UNREADABLE", field="catalogue"
        ) from error
    return Catalogue(teams={service: owner for document in documents for service, owner in _teams(document)})


def _rules(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        words = line.split(" #")[0].split()
        if len(words) >= 2 and not words[0].startswith(("#", "[", "^[")):
            yield words[0], words[1]


def _matches(pattern: str, path: str) -> bool:
    plain = pattern.strip("/").removesuffix("/**").removesuffix("/*")
    if plain in ("", "*", "**"):
        return True
    if "/" not in pattern.strip("/") and not pattern.startswith("/"):
        return any(fnmatchcase(part, plain) for part in path.split("/"))
    return fnmatchcase(path, plain)


def _teams(document: Any) -> Iterator[tuple[str, str]]:
    match document:
        case {"metadata": {"name": str(name)}, "spec": {"owner": str(owner)}}:
            yield name, owner
        case {"services": list(entries)}:
            for entry in entries:
                match entry:
                    case {"name": str(name), "owner": str(owner)} | {"name": str(name), "team": str(owner)}:
                        yield name, owner
                    case _:
                        raise _unknown(entry)
        case {"services": dict(entries)}:
            yield from _teams(entries)
        case dict():
            for name, value in document.items():
                match value:
                    case str(owner) | {"owner": str(owner)} | {"team": str(owner)}:
                        yield str(name), owner
                    case _:
                        raise _unknown({name: value})
        case _:
            raise _unknown(document)


def _unknown(entry: object) -> InvalidArgument:
    return InvalidArgument(
        f"the ownership catalogue has an entry that names no owner: {str(entry)[:120]}; write `service: team`",
        reason="CATALOGUE_UNREADABLE",
        field="catalogue",
    )
