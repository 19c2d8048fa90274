"""The door's keeper: who may come in, and who is told to come back."""

import asyncio

import pytest

from services.ingestion.settings import Settings
from shared.errors import InvalidArgument, ResourceExhausted
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.senders import gauge


@pytest.fixture
def settings() -> Settings:
    return Settings(max_request_bytes=2_000, max_pending_bytes=2_000)


async def test_sender_is_told_to_come_back_before_memory_runs_out(running: Running) -> None:
    request = gauge("shop", "cpu", [(second, 1.0) for second in range(60)])
    assert 1_000 < request.ByteSize() < 2_000

    answers = await asyncio.gather(*(running.metrics.Export(gauge("shop", f"cpu{place}", [
        (second, 1.0) for second in range(60)])) for place in range(20)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, ResourceExhausted)]
    assert refused
    assert {answer.retry_after_s for answer in refused} == {2.0}
    assert len(refused) + len(await running.rows()) == 20
    # There is room again.
    await running.metrics.Export(request)


async def test_request_that_is_too_large_names_the_limit(running: Running) -> None:
    with pytest.raises(InvalidArgument, match="max_request_bytes"):
        await running.metrics.Export(gauge("shop", "cpu", [(second, 1.0) for second in range(120)]))


