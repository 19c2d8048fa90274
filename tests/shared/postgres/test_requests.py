"""A retry gets the answer of the first try."""

import pytest

from afteraction.v1 import memory_service_pb2 as pb
from shared.errors import InvalidArgument
from shared.postgres.pool import open_pool
from shared.postgres.requests import TABLE, keep, recall


async def test_retry_gets_the_first_answer(database_url: str) -> None:
    answer = pb.ForgetResponse(position=7)
    async with open_pool(database_url, schema="example") as pool, pool.acquire() as connection:
        await connection.execute(TABLE)
        async with connection.transaction():
            assert await recall(connection, "Forget", "r-1", b"digest", pb.ForgetResponse) is None
            await keep(connection, "Forget", "r-1", b"digest", answer)
        async with connection.transaction():
            assert await recall(connection, "Forget", "r-1", b"digest", pb.ForgetResponse) == answer
            assert await recall(connection, "Forget", "", b"digest", pb.ForgetResponse) is None


async def test_id_of_another_request_is_refused(database_url: str) -> None:
    async with open_pool(database_url, schema="example") as pool, pool.acquire() as connection:
        await connection.execute(TABLE)
        async with connection.transaction():
            await keep(connection, "Forget", "r-1", b"one", pb.ForgetResponse(position=7))
        async with connection.transaction():
            with pytest.raises(InvalidArgument, match="used before"):
                await recall(connection, "Forget", "r-1", b"another", pb.ForgetResponse)
