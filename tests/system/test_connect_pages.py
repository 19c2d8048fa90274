"""What docs/connect/ has one paste: the commands work, and the files are what their programs read."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.services.cli.test_serve import free_port, line_with, serving

PAGES = Path(__file__).parents[2] / "docs" / "connect"
# Debian ships them beside the programs.
PROMTOOL, AMTOOL = shutil.which("promtool"), shutil.which("amtool")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (PAGES / page).read_text(), re.MULTILINE | re.DOTALL)


def curls() -> list[tuple[str, str]]:
    """Every curl to this machine, in a fenced block or an indented one, with its page."""
    found = []
    for page in sorted(PAGES.glob("*.md")):
        text = "\n".join([*blocks(page.name, "sh"), *re.findall(r"(?:^    .*\n)+", page.read_text(), re.MULTILINE)])
        found += [(page.name, command) for command in re.findall(
            r"curl -sS http://127\.0\.0\.1:4318[^']*'[^']*'[^']*'[^']*'", text)]
    return found


@pytest.fixture(scope="module")
def ingestion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of one that runs: the variables of its addresses."""
    variables = {"AFTERACTION_INGESTION_ADDRESS": f"127.0.0.1:{free_port()}",
                 "AFTERACTION_OTLP_GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
                 "AFTERACTION_OTLP_HTTP_ADDRESS": f"127.0.0.1:{free_port()}"}
    with serving(tmp_path_factory.mktemp("data"), "ingestion", **variables) as process:
        line_with(process, "ingestion  ready")
        yield variables
        process.terminate()
        line_with(process, "ingestion stopped")


def test_there_are_commands_to_paste() -> None:
    assert {page for page, _ in curls()} == {"cloudevents.md", "notes.md"}


@pytest.mark.parametrize(("page", "command"), curls())
def test_a_curl_records_what_it_says(ingestion: dict[str, str], page: str, command: str) -> None:
    one_line = command.replace("\\\n", " ").replace("127.0.0.1:4318", ingestion["AFTERACTION_OTLP_HTTP_ADDRESS"])
    arguments = shlex.split(one_line)

    result = subprocess.run(arguments, capture_output=True, text=True, check=True)

    assert json.loads(result.stdout) == {"recorded": 1, "duplicates": 0}


@pytest.mark.parametrize("arguments", [
    ("note", "restarted the payment workers", "--service", "checkout"),
    ("event", "deploy", "1.4.2", "--service", "checkout")])
def test_the_command_line_records_what_the_pages_say(ingestion: dict[str, str], arguments: tuple[str, ...]) -> None:
    result = subprocess.run([sys.executable, "-m", "services.cli", *arguments], capture_output=True, text=True,
                            check=False, env=os.environ | ingestion)

    assert (result.returncode, "recorded in stream live" in result.stdout) == (0, True), result.stderr


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.glob("*.md")))
def test_every_file_is_yaml(page: str) -> None:
    for block in blocks(page, "yaml"):
        assert yaml.safe_load(block)


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool here: apt-get install prometheus")
@pytest.mark.parametrize("block", [each for each in blocks("prometheus.md", "yaml") if each.startswith("remote_write")])
def test_prometheus_reads_its_lines(tmp_path: Path, block: str) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(re.sub(r"/etc/[a-z]+/", "", block))
    for name in ("afteraction-token", "ca.crt"):
        (tmp_path / name).write_text("x")

    result = subprocess.run([str(PROMTOOL), "check", "config", "--syntax-only", path], capture_output=True, text=True,
                            check=False)

    assert result.returncode == 0, result.stderr + result.stdout


@pytest.mark.skipif(AMTOOL is None, reason="no amtool here: apt-get install prometheus-alertmanager")
def test_alertmanager_reads_its_lines(tmp_path: Path) -> None:
    document = yaml.safe_load(blocks("alertmanager.md", "yaml")[0])
    document["route"]["receiver"] = "afteraction"
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(document))

    result = subprocess.run([str(AMTOOL), "check-config", path], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr + result.stdout
