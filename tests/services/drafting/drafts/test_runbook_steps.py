"""What a runbook learns from an incident: real measures and lines, what helped, and a name that a person would give."""

from dataclasses import replace

import pytest

from afteraction.v1 import card_pb2, evidence_pb2, postmortem_pb2
from services.drafting import messages
from services.drafting.case import Case, Policy
from services.drafting.drafts.milestones import milestones
from services.drafting.drafts.runbook_steps import diagnosis_steps, mitigation_steps, triggers
from services.drafting.gather import windows
from services.drafting.incident import Gathered
from services.drafting.publishing.titles import failure, title
from tests.services.drafting import recorded


def a_case() -> Case:
    incident = messages.incident(recorded.incident(is_over=True))
    window, baseline = windows(incident)
    return Case(Gathered(incident, messages.observations(recorded.observations(), window, baseline)), Policy())


def test_triggers_name_the_measure_with_its_values_and_the_new_log_line() -> None:
    found = triggers(a_case())

    [measure] = [each for each in found if each.startswith("error share of the affected service is out")]
    assert "then orders" in measure and "normally" in measure
    assert any("PoolTimeout: no free connection" in each for each in found)


def test_diagnosis_goes_from_the_change_to_the_measure_to_the_log_to_what_a_responder_found() -> None:
    case = a_case()

    found = diagnosis_steps(case, milestones(case))

    order = [
        next(at for at, each in enumerate(found) if words in each)
        for words in ("a deploy of the affected", "Look at db.client.connection.count", "Search the log", "responder")
    ]
    assert order == sorted(order)


def test_mitigation_says_what_helped_and_how_one_sees_that_it_did() -> None:
    case = a_case()

    done, seen = mitigation_steps(case, milestones(case))

    assert done.startswith("Roll the affected service back to the version before (then orders to 5.0.9; signals")
    assert seen.startswith("Watch error share of the affected service")


def test_steps_name_the_service_and_the_version_of_that_time_only_as_an_example() -> None:
    case = a_case()
    course = milestones(case)

    steps = (*triggers(case), *diagnosis_steps(case, course), *mitigation_steps(case, course))

    own = [each for each in steps if "“" not in each]
    assert own and not any(name in each.partition(" (")[0] for each in own for name in ("orders", "5.1.0", "5.0.9"))


def test_mitigation_without_recovery_teaches_nothing() -> None:
    case = a_case()

    assert mitigation_steps(case, replace(milestones(case), recovery=None)) == ()


@pytest.mark.parametrize(
    ("patterns", "mechanism", "expected"),
    [
        (["PoolTimeout: no free connection in pool after <*> ms"], "", "connection pool exhausted"),
        (["rendering <*> aborted: PoolAcquireTimeout, <*> acquirers are queued"], "", "connection pool exhausted"),
        (["spooler of <*> reached its timeout"], "", "deployment"),
        (["write <*>: no space left on device"], "", "disk full"),
        ([], "The connection pool of orders was used up.", "connection pool exhausted"),
        (["hello <*>"], "Nothing that was observed points to a cause.", "deployment"),
    ],
)
def test_failure_is_called_what_the_systems_said(patterns: list[str], mechanism: str, expected: str) -> None:
    postmortem = postmortem_pb2.Postmortem(
        lesson=postmortem_pb2.Lesson(log_patterns=patterns),
        hypotheses=[card_pb2.Hypothesis(mechanism=card_pb2.Statement(text=mechanism))],
    )

    assert failure(postmortem, "deployment") == expected


def test_title_says_service_failure_and_what_led_to_it() -> None:
    deploy = evidence_pb2.Evidence(kind=evidence_pb2.EVIDENCE_KIND_DEPLOY)

    assert title("orders", "disk full", [deploy]) == "orders: disk full after a deploy"
    assert title("", "disk full", []) == "Disk full"
    assert title("orders", "deployment", [deploy]) == "orders: failing after a deploy"
    assert title("orders", "third party", []) == "orders: third party failing"
