"""Just enough grammar to say who the subject of a verb is.

No parser and no model: the words to the left of a verb are walked until the head of its subject is found, past
adverbs, auxiliaries, «on call», «who was tired» and «, the primary,». What cannot be told is `Who.UNKNOWN`, and the
rules accuse nobody on that ground.
"""

from dataclasses import dataclass

from services.drafting.blameless.people import Who, classify
from services.drafting.blameless.tokens import (
    AUXILIARIES,
    CONJUNCTIONS,
    DETERMINERS,
    NEGATIONS,
    PREPOSITIONS,
    SUBORDINATORS,
    Token,
    is_adverb,
    is_verb,
)
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import FIRST_PERSON, PARTICIPLES, PERSON_NOUNS, TEAM_NOUNS, THIRD_PERSON


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: whom it speaks of, and from which token to which (exclusive)."""

    who: Who
    start: int
    end: int


# «the engineer involved»
_AFTER_ITS_NOUN = frozenset({"involved", "concerned", "responsible"})


# «a developer | eager to leave»
_SAID_OF_IT = frozenset({"eager", "unfamiliar", "unaware", "keen", "alone", "new"})
_ARTICLES = frozenset({"the", "a", "an"})


# «one of the engineers»: who they are is said after «of».
_PARTS = word_set("one two three some many most both several few all none each half")


def subject(words: tuple[Token, ...], verb: int, *, depth: int = 0) -> Phrase:
    """The subject of the verb at `verb` (its auxiliaries and adverbs may stand before it)."""
    at = verb
    while at > 0 and (is_adverb(words[at - 1]) or words[at - 1].lower in AUXILIARIES | NEGATIONS):
        at -= 1
    if at == 0:
        return Phrase(Who.ELIDED, 0, 0)
    if depth > 4:
        return Phrase(Who.UNKNOWN, at, at)
    before = words[at - 1]
    if before.lower in CONJUNCTIONS:
        return _subject_of_coordination(words, at - 1, depth)
    if before.text in ",)":
        return _subject_over_parenthesis(words, at - 1, depth)
    if before.text in "\"”'*_":
        return subject(words, at - 1, depth=depth + 1)
    if before.lower == "who":
        antecedent = phrase_before(words, at - 1 - (at >= 2 and words[at - 2].text == ","))
        return (
            antecedent
            if antecedent.who in (Who.USER, Who.SYSTEM, Who.PERSON, Who.TEAM)
            else Phrase(Who.PERSON, at - 1, at)
        )
    if before.lower in ("that", "which"):
        return phrase_before(words, at - 1 - (at >= 2 and words[at - 2].text == ","))
    if not before.is_word:
        return Phrase(Who.ELIDED if before.text in ":-–—.•*" else Who.UNKNOWN, at, at)
    found = phrase_before(words, at)
    return _outside_relative_clause(words, found, depth)


def _outside_relative_clause(words: tuple[Token, ...], found: Phrase, depth: int) -> Phrase:
    """«The engineer who ran the migration forgot»: the subject stands before «who»."""
    at = found.start
    if at == 0 or not is_verb(words[at - 1]):
        return found
    for back in range(at - 1, max(-1, at - 8), -1):
        if words[back].lower in ("who", "that", "which"):
            return subject(words, back + 1, depth=depth + 1)
        if not words[back].is_word or words[back].lower in CONJUNCTIONS:
            return found
    return found


def _subject_over_parenthesis(words: tuple[Token, ...], mark: int, depth: int) -> Phrase:
    opening = "(" if words[mark].text == ")" else ","
    for back in range(mark - 1, max(-1, mark - 16), -1):
        if words[back].text == opening:
            return subject(words, back, depth=depth + 1) if back else Phrase(Who.UNKNOWN, mark, mark)
    return Phrase(Who.UNKNOWN, mark, mark)


def _subject_of_coordination(words: tuple[Token, ...], conjunction: int, depth: int) -> Phrase:
    """«Alice deployed and forgot»: the subject of the verb before, looked for from the left of its clause."""
    for back in range(conjunction - 1, -1, -1):
        token = words[back]
        if token.text in ";:":
            return Phrase(Who.UNKNOWN, conjunction, conjunction)
        if is_verb(token) and not _is_modifier(words, back):
            while back > 0 and (words[back - 1].lower in AUXILIARIES | NEGATIONS or is_adverb(words[back - 1])):
                back -= 1
            if back and words[back - 1].lower in CONJUNCTIONS:
                continue
            # A participle behind its noun («the change reviewed by us») has the same subject to its left.
            return subject(words, back, depth=depth + 1)
    return Phrase(Who.ELIDED, 0, 0)


def phrase_before(words: tuple[Token, ...], end: int) -> Phrase:
    """The noun phrase that ends at `end`, prepositional tails («of the team») followed to their head."""
    everything = frozenset(w.lower for w in words)
    tail_end = end - (end > 1 and _stands_after_its_noun(words, end - 1))
    for _ in range(6):
        start = _phrase_start(words, tail_end)
        if start == tail_end:
            return Phrase(Who.UNKNOWN, tail_end, end)
        before = words[start - 1] if start else None
        follows_noun = (
            start >= 2
            and before is not None
            and before.lower in PREPOSITIONS - {"because", "as", "than", "since", "until"}
            and words[start - 2].is_word
            and not is_verb(words[start - 2])
            and words[start - 2].lower not in PARTICIPLES
            and words[start - 2].lower not in PREPOSITIONS
            and not is_adverb(words[start - 2])
            and words[start - 2].lower not in SUBORDINATORS | CONJUNCTIONS
            and not words[start - 2].lower.endswith("ing")
        )
        if not follows_noun:
            return Phrase(classify(words[start:tail_end], everything), start, end)
        if before is not None and before.lower == "of" and words[start - 2].lower in _PARTS:
            return Phrase(classify(words[start:tail_end], everything), start - 2, end)
        tail_end = start - 1
    return Phrase(Who.UNKNOWN, tail_end, end)


def _stands_after_its_noun(words: tuple[Token, ...], at: int) -> bool:
    """«the engineer involved», «the person deploying»."""
    word = words[at].lower
    return word in _AFTER_ITS_NOUN or (word.endswith("ing") and words[at - 1].lower in PERSON_NOUNS)


def _phrase_start(words: tuple[Token, ...], end: int) -> int:
    """Where the noun phrase that ends before `end` begins."""
    at = end
    while at > 0:
        token = words[at - 1]
        word = token.lower
        if not token.is_word or word in CONJUNCTIONS or word in SUBORDINATORS - DETERMINERS:
            break
        if word in PREPOSITIONS:
            # «on call», «the engineer on-call»
            if word == "on" and at < len(words) and words[at].lower == "call":
                at -= 1
                continue
            break
        if at < end and (is_verb(token) or word.endswith("ing")) and not _is_modifier(words, at - 1):
            break
        if at < end and is_adverb(token):
            break
        if word in FIRST_PERSON | THIRD_PERSON | {"they", "it", "there"} and at < end:
            break
        at -= 1
        if word == "one" and at > 0 and words[at - 1].lower == "no":
            continue
        if word in DETERMINERS or word in FIRST_PERSON | THIRD_PERSON | {"they"}:
            break
    return at


def _is_modifier(words: tuple[Token, ...], at: int) -> bool:
    """«the overworked engineer», «the billing team»: a form of a verb between a determiner and its noun."""
    return at > 0 and (words[at - 1].lower in DETERMINERS or words[at - 1].lower.endswith("'s"))


def phrase_after(words: tuple[Token, ...], start: int) -> Phrase:
    """The noun phrase that begins at `start`: up to its head, prepositional tails left out."""
    at = start
    while (
        at < len(words)
        and words[at].is_word
        and words[at].lower not in PREPOSITIONS | CONJUNCTIONS | SUBORDINATORS - DETERMINERS
    ):
        if at > start and (
            words[at].lower in AUXILIARIES | NEGATIONS | {"who", "which", "that", "failing", "forgetting"}
        ):
            break
        if at > start and (words[at].lower.endswith("ing") or is_verb(words[at])) and not _is_modifier(words, at):
            break
        if at > start and is_adverb(words[at]):
            break
        # «had the reviewer | run the tests»
        if at > start and words[at].lower in PARTICIPLES and words[at - 1].lower in PERSON_NOUNS | TEAM_NOUNS:
            break
        if at > start and words[at].lower in _SAID_OF_IT:
            break
        # «by the platform team | the quota …»
        if at > start and words[at].lower in _ARTICLES and words[at - 1].lower not in DETERMINERS:
            break
        at += 1
        if words[at - 1].lower in FIRST_PERSON | {"us", "him", "them", "who"}:
            break
    # «an engineer on call»
    is_on = at + 1 < len(words) and words[at].lower == "on"
    if is_on and words[at + 1].lower in ("call", "duty", "shift") and at > start:
        return Phrase(Who.PERSON, start, at + 2)
    if at - 1 > start and words[at - 1].lower in ("themselves", "himself", "herself"):
        at -= 1
    everything = frozenset(w.lower for w in words)
    return Phrase(classify(words[start:at], everything), start, at)


def mentions_people_before(words: tuple[Token, ...], end: int) -> bool:
    """Whether «they» may mean people: somebody is named to its left."""
    return any(
        classify((token,)) in (Who.PERSON, Who.TEAM) and token.lower not in THIRD_PERSON for token in words[:end]
    )
