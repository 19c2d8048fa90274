"""The repository that the settings name, ready to be kept."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from services.drafting.repository.clone import Clone
from services.drafting.repository.keeping import Repository
from services.drafting.repository.reading import Reading
from services.drafting.repository.writing import Identity, Writing
from services.drafting.settings import Settings
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.store.repository import RepositoryStore
from shared.clock import Clock
from shared.offload import Offload
from shared.postgres.pool import Pool

if TYPE_CHECKING:
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub


@asynccontextmanager
async def kept(
    settings: Settings,
    data_directory: Path,
    *,
    pool: Pool,
    memory: "MemoryServiceAsyncStub",
    clock: Clock,
    offload: Offload,
) -> AsyncIterator[Repository | None]:
    """None where no repository is set."""
    if not settings.repository:
        yield None
        return
    postmortems = PostmortemStore(pool)
    # One thread of its own: a remote that hangs must not hold up a card.
    with ExitStack() as stack:
        git = stack.enter_context(Offload(1, "repository"))
        clone = await git.run(
            Clone,
            data_directory / "repository",
            settings.repository,
            settings.repository_branch,
            user=settings.repository_user,
            token=settings.repository_token,
            ssh_command=settings.repository_ssh_command,
        )
        stack.enter_context(clone)
        yield Repository(
            clone=clone,
            git=git,
            writing=Writing(
                clone=clone,
                git=git,
                postmortems=postmortems,
                memory=memory,
                clock=clock,
                identity=Identity(settings.repository_domain),
            ),
            reading=Reading(postmortems=postmortems, memory=memory, clock=clock, offload=offload),
            store=RepositoryStore(pool, settings.repository, settings.repository_branch),
            clock=clock,
            every=settings.repository_poll,
        )
