import pytest

from services.drafting.blameless.verbs import forms, gerunds, pasts


@pytest.mark.parametrize(
    ("lemma", "expected"),
    [
        ("skip", {"skip", "skips", "skipped", "skipping"}),
        ("ignore", {"ignore", "ignores", "ignored", "ignoring"}),
        ("misapply", {"misapply", "misapplies", "misapplied", "misapplying"}),
        ("dismiss", {"dismiss", "dismisses", "dismissed", "dismissing"}),
        ("overlook", {"overlook", "overlooks", "overlooked", "overlooking"}),
        ("omit", {"omit", "omits", "omitted", "omitting"}),
        ("fix", {"fix", "fixes", "fixed", "fixing"}),
        ("forget", {"forget", "forgets", "forgot", "forgotten", "forgetting"}),
        ("panic", {"panic", "panics", "panicked", "panicking"}),
    ],
)
def test_verb_is_known_in_every_form(lemma: str, expected: set[str]) -> None:
    assert forms(lemma) == expected


def test_forms_of_several_verbs_are_told_apart() -> None:
    assert pasts("leave take") == {"left", "took", "taken"}
    assert gerunds("skip lie agree") == {"skipping", "lying", "agreeing"}
