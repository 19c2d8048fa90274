"""What a reviewer does between draft and publication, over the same RPCs: answers the questions, settles what the lint
found, submits, publishes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from afteraction.v1.postmortem_pb2 import Postmortem
from afteraction.v1.postmortem_service_pb2 import (
    AnswerQuestionRequest,
    PublishPostmortemRequest,
    SubmitPostmortemRequest,
    WaiveFindingRequest,
)
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from services.cli.connection import Connection

if TYPE_CHECKING:
    from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceAsyncStub

# The honest answer of somebody who was not there: the demo knows nothing that the telemetry did not say.
ANSWER = "Not known at the time of review."


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The published post-mortem, and what it took."""

    postmortem: Postmortem
    answered: int
    waived: int


async def publish(connection: Connection, postmortem: Postmortem, reviewer: str) -> Reviewed:
    """Takes a draft through review to publication."""
    stub: PostmortemServiceAsyncStub = connection.stub(PostmortemServiceStub)
    questions = [each for each in postmortem.questions if not each.answer]
    for question in questions:
        postmortem = await stub.AnswerQuestion(AnswerQuestionRequest(
            name=postmortem.name, question=question.id, answer=ANSWER, author=reviewer, etag=postmortem.etag))
    findings = [each for each in postmortem.findings if not each.waiver_reason]
    for finding in findings:
        postmortem = await stub.WaiveFinding(WaiveFindingRequest(
            name=postmortem.name, finding=finding.id, reason="a quotation from the record", author=reviewer))
    postmortem = await stub.SubmitPostmortem(SubmitPostmortemRequest(
        name=postmortem.name, author=reviewer, reviewers=[reviewer], etag=postmortem.etag))
    postmortem = await stub.PublishPostmortem(PublishPostmortemRequest(
        name=postmortem.name, author=reviewer, etag=postmortem.etag))
    return Reviewed(postmortem, len(questions), len(findings))
