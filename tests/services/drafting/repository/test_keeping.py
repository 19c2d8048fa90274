"""Published post-mortems in a real Git repository, and people's edits back from there."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from dulwich.objects import Blob, Commit
from dulwich.refs import Ref
from dulwich.repo import Repo

from afteraction.v1.memory_service_pb2 import (
    ListRunbookRevisionsRequest,
    ListRunbookRevisionsResponse,
    ListRunbooksRequest,
    ListRunbooksResponse,
    UpdateRunbookRequest,
)
from afteraction.v1.memory_service_pb2_grpc import (
    MemoryServiceServicer,
    MemoryServiceStub,
    add_MemoryServiceServicer_to_server,
)
from afteraction.v1.postmortem_pb2 import POSTMORTEM_STATE_AMENDED, POSTMORTEM_STATE_PUBLISHED, Postmortem
from afteraction.v1.postmortem_service_pb2 import AmendPostmortemRequest, AnswerQuestionRequest
from afteraction.v1.runbook_pb2 import Runbook, RunbookRevision
from services.drafting.publishing.publisher import Publisher
from services.drafting.repository import files
from services.drafting.repository.clone import Author, Clone
from services.drafting.repository.keeping import Repository
from services.drafting.repository.reading import Reading
from services.drafting.repository.writing import Identity, Writing
from services.drafting.store.publications import PublicationStore
from services.drafting.store.repository import RepositoryStore
from shared.clock import SetClock
from shared.errors import FailedPrecondition, Unavailable
from shared.offload import Offload
from shared.rpc.server import Context
from shared.timestamps import to_proto
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import ONSET, TEXT, Review, drafted, serve_review

PATH = "postmortems/2026-07-05-outage.md"
MAIN = Ref(b"refs/heads/main")
BOB = Author("Bob", "bob@example.org")


class Library(MemoryServiceServicer):
    """Memory, as far as runbooks go."""

    def __init__(self) -> None:
        self.book = Runbook(
            name="runbooks/pool", title="Pool exhausted", revision=1, markdown="1. Roll back\n", etag="e"
        )
        self.revisions = [
            RunbookRevision(number=1, author="", markdown="1. Roll back\n", created_at=to_proto(ONSET)),
        ]

    async def ListRunbooks(self, request: ListRunbooksRequest, context: Context) -> ListRunbooksResponse:
        return ListRunbooksResponse(runbooks=[self.book])

    async def GetRunbook(self, request: object, context: Context) -> Runbook:
        return self.book

    async def ListRunbookRevisions(
        self, request: ListRunbookRevisionsRequest, context: Context
    ) -> ListRunbookRevisionsResponse:
        return ListRunbookRevisionsResponse(revisions=self.revisions)

    async def UpdateRunbook(self, request: UpdateRunbookRequest, context: Context) -> Runbook:
        self.book.revision += 1
        self.book.markdown = request.markdown
        self.revisions.append(
            RunbookRevision(
                number=self.book.revision, author=request.author, markdown=request.markdown, created_at=to_proto(ONSET)
            )
        )
        return self.book


@dataclass(slots=True)
class Scene:
    """Post-mortems, memory, the remote, our clone's keeper, and a person with a clone of his own."""

    review: Review
    library: Library
    repository: Repository
    publisher: Publisher
    remote: Path
    person: Clone

    async def published(self, text: str = TEXT) -> Postmortem:
        draft = await self.review.draft(drafted(text=text))
        return await self.review.publish(draft.name)

    def edit(self, change: Callable[[bytes], bytes], path: str = PATH, author: Author = BOB) -> None:
        """What a person does: pull, change a file, commit, push."""
        self.person.fetch()
        before = self.person.read(path)
        assert before is not None
        now = self.review.clock.now()
        assert self.person.commit({path: change(before)}, author=author, written_at=now, at=now, message="words\n")
        self.person.push()

    def log(self) -> list[tuple[str, str]]:
        """Author and subject of each commit of the remote, the newest first."""
        with Repo(str(self.remote)) as repo:
            walker = repo.get_walker(include=[repo.refs[MAIN]])
            return [(e.commit.author.decode(), e.commit.message.decode().splitlines()[0]) for e in walker]


@pytest.fixture
async def scene(pool_for: PoolFor, serve: Serve, set_clock: SetClock, tmp_path: Path) -> AsyncIterator[Scene]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    library = Library()  # type: ignore[abstract]
    channel = await serve(lambda server: add_MemoryServiceServicer_to_server(library, server))
    memory = channel.stub(MemoryServiceStub)
    with ExitStack() as stack:
        offload, git = stack.enter_context(Offload(1)), stack.enter_context(Offload(1))
        review = await serve_review(serve, pool, set_clock, offload)
        remote = tmp_path / "remote.git"
        clone = stack.enter_context(Clone(tmp_path / "clone", str(remote), "main"))
        person = stack.enter_context(Clone(tmp_path / "person", str(remote), "main"))
        repository = Repository(
            clone=clone,
            git=git,
            writing=Writing(
                clone=clone,
                git=git,
                postmortems=review.store,
                memory=memory,
                clock=set_clock,
                identity=Identity("example.org"),
            ),
            reading=Reading(postmortems=review.store, memory=memory, clock=set_clock, offload=offload),
            store=RepositoryStore(pool, str(remote), "main"),
            clock=set_clock,
            every=timedelta(minutes=1),
        )
        publisher = Publisher(
            postmortems=review.store, publications=PublicationStore(pool), tasks={"git": repository}, clock=set_clock
        )
        yield Scene(review, library, repository, publisher, remote, person)


async def test_publication_is_a_commit_of_its_author_with_front_matter(scene: Scene) -> None:
    # given a draft that Ada edited and Grace publishes
    draft = await scene.review.draft()
    await scene.review.edit(draft, TEXT.replace("23 minutes", "24 minutes"), author="ada")
    await scene.review.publish(draft.name, author="grace@example.org")

    # when
    await scene.publisher.work_off()

    # then
    assert scene.log() == [("ada <ada@example.org>", "Checkout fails: HTTP 500 from checkout-api")]
    with Repo(str(scene.remote)) as repo:
        commit = repo[repo.refs[MAIN]]
    assert isinstance(commit, Commit)
    message = commit.message.decode()
    assert "Co-authored-by: grace <grace@example.org>" in message
    scene.person.fetch()
    content = scene.person.read(PATH)
    assert content is not None
    front, _, text = content.decode().removeprefix("---\n").partition("---\n")
    assert text == TEXT.replace("23 minutes", "24 minutes")
    for line in ("id: postmortems/outage", "incident: incidents/outage", "severity: P1", "revision: 2"):
        assert line in front
    for line in ("- checkout-api", "- configuration", "onset: '2026-07-05T03:47:00Z'"):
        assert line in front


async def test_drafts_that_were_never_published_stay_here(scene: Scene) -> None:
    draft = await scene.review.draft(drafted(text=TEXT.replace("340 requests", "Bob forgot it; 340 requests")))
    await scene.review.edit(draft, TEXT)
    await scene.review.publish(draft.name)

    await scene.publisher.work_off()

    with Repo(str(scene.remote)) as repo:
        blobs = [found.data for sha in repo.object_store if isinstance(found := repo[sha], Blob)]
    assert blobs and not any(b"forgot" in data for data in blobs)


async def test_network_that_is_away_delays_the_push_and_loses_nothing(scene: Scene) -> None:
    # given a remote that cannot be reached
    aside = scene.remote.with_name("aside")
    scene.remote.rename(aside)
    await scene.published()
    await scene.publisher.work_off()
    assert not scene.remote.exists()

    # when it is back, and somebody has pushed to it in the meantime
    aside.rename(scene.remote)
    now = scene.review.clock.now()
    scene.person.commit({"postmortems/README.md": b"hello\n"}, author=BOB, written_at=now, at=now, message="hello\n")
    scene.person.push()
    scene.review.clock.advance(600)
    await scene.publisher.work_off()

    # then both are there, each once
    assert [subject for _, subject in scene.log()] == ["Checkout fails: HTTP 500 from checkout-api", "hello"]
    scene.person.fetch()
    assert scene.person.read("postmortems/README.md") == b"hello\n"
    assert scene.person.read(PATH) is not None


async def test_edit_in_the_repository_comes_back_as_an_amendment_and_passes_the_same_gate(scene: Scene) -> None:
    # given a published post-mortem in the repository
    published = await scene.published()
    await scene.publisher.work_off()

    # when a person edits the file and blames somebody on the way
    scene.edit(lambda content: content.replace(b"340 requests failed", b"340 requests failed because Bob was careless"))
    assert await scene.repository.round() == 1

    # then it is in review under the person's name, against the revision that it began from
    amended = await scene.review.get(published.name)
    assert amended.state == POSTMORTEM_STATE_AMENDED
    assert "because Bob was careless" in amended.markdown
    revision = await scene.review.store.revision(published.name, amended.revision)
    assert revision.author == "Bob" and "in commit" in revision.reason
    with pytest.raises(FailedPrecondition) as refused:
        await scene.review.publish(published.name)
    assert any("findings/" in violation.subject for violation in refused.value.violations)

    # when the words are mended and it is published
    mended = amended.markdown.replace("because Bob was careless", "for 23 minutes")
    await scene.review.edit(amended, mended)
    assert (await scene.review.publish(published.name)).state == POSTMORTEM_STATE_PUBLISHED
    await scene.publisher.work_off()

    # then the repository has the published text, and reading it again changes nothing
    scene.person.fetch()
    content = scene.person.read(PATH)
    assert content is not None and files.read(content).text == mended
    assert await scene.repository.round() == 0
    assert (await scene.review.get(published.name)).state == POSTMORTEM_STATE_PUBLISHED


async def test_edits_made_at_the_same_time_here_and_there_are_both_kept(scene: Scene) -> None:
    # given an amendment that somebody began here
    published = await scene.published()
    await scene.publisher.work_off()
    opened = await scene.review.postmortems.AmendPostmortem(_amend(published.name))
    await scene.review.edit(opened, TEXT.replace("Checkout failed for 23 minutes", "Checkout failed for 25 minutes"))

    # when another person edits another part in the repository, and the same line, too
    scene.edit(
        lambda content: content.replace(b"for 23 minutes", b"for 22 minutes").replace(b"12 minutes", b"11 minutes")
    )
    await scene.repository.round()

    # then the other part is in, the line stands as it is here, and asks
    merged = await scene.review.get(published.name)
    assert "Detection took 11 minutes" in merged.markdown
    assert "failed for 25 minutes" in merged.markdown
    [question] = merged.questions
    assert "22 minutes" in question.text
    answered = await scene.review.postmortems.AnswerQuestion(
        AnswerQuestionRequest(name=published.name, question=question.id, answer="25 is right.", author="ada")
    )
    assert not [each for each in answered.questions if not each.answer]


async def test_tags_of_the_front_matter_are_taken(scene: Scene) -> None:
    published = await scene.published()
    await scene.publisher.work_off()

    scene.edit(lambda content: content.replace(b"- configuration\n", b"- configuration\n- pool\n"))
    await scene.repository.round()

    assert list((await scene.review.get(published.name)).tags) == ["configuration", "pool"]


async def test_amendment_that_began_does_not_change_what_is_committed(scene: Scene) -> None:
    # given a publication that was not committed yet when somebody amends
    published = await scene.published()
    opened = await scene.review.postmortems.AmendPostmortem(_amend(published.name))
    await scene.review.edit(opened, TEXT.replace("340 requests", "unreviewed words"))

    # when
    await scene.publisher.work_off()

    # then
    scene.person.fetch()
    content = scene.person.read(PATH)
    assert content is not None and files.read(content).text == TEXT


async def test_repository_that_is_set_later_gets_what_was_published_before(scene: Scene) -> None:
    await scene.published()

    await scene.repository.round()

    assert "Checkout fails: HTTP 500 from checkout-api" in [subject for _, subject in scene.log()]


async def test_runbooks_have_a_commit_a_revision_and_are_edited_from_there(scene: Scene) -> None:
    # given
    await scene.repository.round()
    assert scene.log() == [("afteraction <afteraction@example.org>", "Pool exhausted")]

    # when a person adds a step in the repository
    scene.edit(lambda content: content + b"2. Tell support\n", "runbooks/pool.md")
    await scene.repository.round()

    # then
    assert scene.library.book.markdown == "1. Roll back\n2. Tell support\n"
    assert scene.library.revisions[-1].author == "Bob"


async def test_files_that_mean_nothing_are_passed_over(scene: Scene) -> None:
    await scene.published()
    await scene.publisher.work_off()
    now = scene.review.clock.now()
    scene.person.fetch()
    for number, content in enumerate((b"\xff\xfe", b"---\nid: postmortems/gone\nrevision: 1\n---\nx", b"no front")):
        scene.person.commit(
            {f"postmortems/{number}.md": content}, author=BOB, written_at=now, at=now, message="noise\n"
        )
    scene.person.push()

    assert await scene.repository.round() == 0


async def test_stream_of_a_replay_stays_out(scene: Scene) -> None:
    draft = await scene.review.draft(drafted(stream="replay-1"))
    await scene.review.publish(draft.name)

    await scene.publisher.work_off()
    await scene.repository.round()

    assert [subject for _, subject in scene.log()] == ["Pool exhausted"]


async def test_clone_that_is_lost_is_made_again(scene: Scene, tmp_path: Path) -> None:
    await scene.published()
    await scene.publisher.work_off()

    with Clone(tmp_path / "another", str(scene.remote), "main") as again:
        again.fetch()

        assert again.read(PATH) is not None


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Zoë <zoe@example.org>", "Zoë <zoe@example.org>"),
        ("<zoe@example.org>", "zoe <zoe@example.org>"),
        ("zoe@example.org", "zoe <zoe@example.org>"),
        ("Zoë", "Zoë <zoë@example.org>"),
    ],
)
def test_author_is_written_as_git_does(name: str, line: str) -> None:
    assert Identity("example.org").author(name).line().decode() == line


def test_remote_that_is_away_says_no_secret(tmp_path: Path) -> None:
    address = "http://127.0.0.1:9/x.git"
    with (
        Clone(tmp_path / "clone", address, "main", user="u", token="secret-token") as clone,
        pytest.raises(Unavailable) as away,
    ):
        clone.fetch()

    assert "secret-token" not in str(away.value) and "127.0.0.1" not in str(away.value)


def _amend(name: str) -> AmendPostmortemRequest:
    return AmendPostmortemRequest(name=name, author="ada")
