"""What README.md and docs/ say exists: commands, targets, settings, reasons, pages, dependencies."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.core
import typer.main

from services.cli.__main__ import app
from services.cli.config import settings_classes
from shared.settings import PREFIX, origins

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_REASON = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(params=PAGES, ids=page_id)
def page(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def code(page: Path) -> str:
    """What stands in code blocks and between backquotes."""
    text = page.read_text()
    blocks = re.findall(r"^ {4}[^\n]+$|^```.*?^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])


def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not re.match(r"[a-z]+:|/", link) and not (page.parent / link).exists()] == []


def test_commands_exist(page: Path) -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, typer.core.TyperGroup)

    said = re.findall(r"(?:^|[\s/(`])afteraction ([a-z][a-z-]*)\b(?: ([a-z][a-z-]*)\b)?", code(page))

    for name, below in said:
        assert name in root.commands, f"afteraction {name}"
        command = root.commands[name]
        if isinstance(command, typer.core.TyperGroup) and below and not command.invoke_without_command:
            assert below in command.commands, f"afteraction {name} {below}"


def test_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"(?:^|[\s(`])make ([a-z][a-z-]+)", code(page), re.MULTILINE)) <= targets


def test_settings_exist(page: Path) -> None:
    known = {each.variable for section, settings in settings_classes()
             for each in origins(settings, section=section, environ={})} | {f"{PREFIX}_CONFIG_FILE"}

    said = set(re.findall(rf"\b({PREFIX}_[A-Z_]+[A-Z])\b(?!<)", page.read_text()))

    assert {each for each in said if not any(name.startswith(each) for name in known)} == set()


def test_every_reason_is_explained() -> None:
    explained = (ROOT / "docs/errors.md").read_text()

    assert [reason for reason in sorted(set(reasons())) if f"`{reason}`" not in explained] == []


def test_every_dependency_is_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs/dependencies.md").read_text()
    names = [re.split(r"[<>=\[;]", each)[0] for each in project["dependencies"]]
    # `grpcio, -health-checking, -reflection` stands for three.
    assert [name for name in names if name not in page and f"-{name.partition('-')[2]}" not in page] == []


def reasons() -> Iterator[str]:
    """The `reason=` of everything that is raised."""
    for path in sorted([*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:
                if keyword.arg == "reason":
                    yield from (each.value for each in ast.walk(keyword.value)
                                if isinstance(each, ast.Constant) and isinstance(each.value, str)
                                and _REASON.match(each.value))
