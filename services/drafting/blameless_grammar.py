"""Just enough grammar to say who the subject of a verb is.

No parser and no model: the words to the left of a verb are walked until the head of its subject is found, past
adverbs, auxiliaries, «on call», «who was tired» and «, the primary,». What cannot be told is `Who.UNKNOWN`, and the
rules accuse nobody on that ground.
"""

import re
from dataclasses import dataclass
from enum import Enum

from services.drafting.blameless_words import (
    CONTROLLER_WORDS,
    FIRST_PERSON,
    GIVEN_NAMES,
    NOBODY,
    PERSON_NOUNS,
    SYSTEM_MODIFIERS,
    TEAM_NAMES,
    TEAM_NOUNS,
    THIRD_PERSON,
    TWO_LIVES,
    USER_NOUNS,
    word_set,
)

_TOKEN = re.compile(r"@[A-Za-z][\w.-]*\w|\x01+|[A-Za-z](?:[\w]|['’\-](?=\w))*|\d[\w.:%/-]*|[^\s\w]")


class Who(Enum):
    """What kind of thing a noun phrase speaks of."""

    PERSON = "person"
    TEAM = "team"
    WE = "we"
    THEY = "they"
    NOBODY = "nobody"
    USER = "user"
    # A capitalised word that is no known name: a person or a product.
    NAME = "name"
    SYSTEM = "system"
    # The sentence begins with the verb: «Forgot to renew …».
    ELIDED = "elided"
    UNKNOWN = "unknown"


#: Those of whom a failure would be said.
PEOPLE = frozenset({Who.PERSON, Who.TEAM, Who.WE})


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark, with its place in the sentence."""

    text: str
    lower: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        return self.text[0].isalnum() or self.text[0] in "@\x01"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: whom it speaks of, and from which token to which (exclusive)."""

    who: Who
    start: int
    end: int


def tokens(sentence: str) -> tuple[Token, ...]:
    # Marks of emphasis are no words; without them «_forgot_» is one.
    return tuple(
        Token(m.group(), m.group().lower().replace("’", "'"), m.start(), m.end()) for m in _TOKEN.finditer(sentence)
    )


AUXILIARIES = word_set("""
    had has have was were is are be been being did does do will would may might must can could should shall 'd
""")
NEGATIONS = word_set("""
    not never didn't hadn't hasn't haven't don't doesn't wasn't weren't couldn't wouldn't shouldn't won't cannot
    can't isn't
""")
_NOT_LY = frozenset(
    {"only", "family", "reply", "apply", "supply", "early", "daily", "july", "assembly", "anomaly", "fly", "rely"}
)
ADVERBS = word_set("""
    also then just still again once already even simply ever later soon apparently initially only all both each
    therefore thus hence instead subsequently somehow clearly completely well first likely often always maybe
    perhaps too probably yesterday today early
""")
PREPOSITIONS = word_set("""
    of on in at from for with to by during behind within about after before under over into across against between
    without through via around near since until per as than because due like upon throughout including despite
    inside
""")
DETERMINERS = word_set("""
    the a an this that these those our their his her my your its some any no another each every one two three both
    several many most which whose
""")
CONJUNCTIONS = frozenset({"and", "but", "or", "then", "yet", "nor", "so"})
SUBORDINATORS = word_set("""
    that because when while if since although though after before until as where whereas once how why what whether
    unless because which so than
""")
_IRREGULAR_PAST = word_set("""
    was were had did ran took made gave got went saw came found left kept began knew thought told said sent set put
    broke wrote read led lost held felt brought built bought caught did drew fell forgot grew hit meant met paid
    rose shut spent stood stuck taught threw understood woke won is are has do does be been have will would can
    could should may might must let cut chose shows show causes cause means mean
""")
# Past participles that stand before their noun.
_ADJECTIVE_ED = word_set("""
    assigned experienced rostered tired junior senior responsible distributed shared managed embedded dedicated
    extended unexperienced red rushed overworked unsupervised seasoned certified trained skilled newly-hired
    remaining
""")
_NOT_VERBS_ED = frozenset(
    {
        "need",
        "feed",
        "speed",
        "seed",
        "embed",
        "indeed",
        "hundred",
        "shed",
        "bed",
        "red",
        "id",
        "fred",
        "ted",
        "ahmed",
        "mohamed",
        "mohammed",
        "jared",
    }
)


# «the engineer involved»
_AFTER_ITS_NOUN = frozenset({"involved", "concerned", "responsible"})
# «one of the engineers»: who they are is said after «of».
_PARTS = word_set("one two three some many most both several few all none each half")


def is_verb(token: Token) -> bool:
    """A finite verb or participle, by its form."""
    word = token.lower
    if word in _IRREGULAR_PAST or word in AUXILIARIES or word in NEGATIONS:
        return True
    return word.endswith("ed") and len(word) > 3 and word not in _ADJECTIVE_ED and word not in _NOT_VERBS_ED


def is_adverb(token: Token) -> bool:
    return token.lower in ADVERBS or (
        token.lower.endswith("ly") and len(token.lower) > 4 and token.lower not in _NOT_LY
    )


def classify(words: tuple[Token, ...], sentence: frozenset[str] = frozenset()) -> Who:
    """Whom the noun phrase `words` (determiners and modifiers first, head last) speaks of."""
    if not words:
        return Who.UNKNOWN
    head, before = words[-1], words[:-1]
    word, modifiers = head.lower, {w.lower for w in before} - DETERMINERS
    if head.text[0] == "@":
        return Who.PERSON
    if head.text[0] == "\x01" or not head.text[0].isalpha():
        return Who.SYSTEM
    if word in FIRST_PERSON:
        return Who.WE
    if word in THIRD_PERSON:
        return Who.PERSON
    if word == "they":
        return Who.THEY
    if word in NOBODY or (word == "one" and before and before[-1].lower == "no"):
        return Who.NOBODY
    if word in ("one", "ones", "us", "them", "him", "me") and not modifiers:
        return Who.PERSON if word in ("him", "us", "me") else Who.UNKNOWN
    if word == "call" and before and before[-1].lower == "on":
        return Who.PERSON
    if word.endswith("'s"):
        return classify((*before, Token(head.text[:-2], word[:-2], head.start, head.end - 2)), sentence)
    if word in ("primary", "secondary") and len(modifiers) == 0:
        return (
            Who.PERSON
            if sentence & {"page", "paged", "pager", "alert", "on-call", "oncall", "acknowledge"}
            else Who.SYSTEM
        )
    stem = word.split("-")[-1] if "-" in word and word not in PERSON_NOUNS else word
    if stem in USER_NOUNS:
        return Who.USER if not (modifiers & SYSTEM_MODIFIERS and stem in TWO_LIVES) else Who.SYSTEM
    if stem in PERSON_NOUNS or stem in TEAM_NOUNS:
        if stem in TWO_LIVES and (modifiers & SYSTEM_MODIFIERS or sentence & CONTROLLER_WORDS):
            return Who.SYSTEM
        if stem in ("agent", "agents", "handler") and not modifiers & {"support", "human", "customer", "service"}:
            return Who.SYSTEM
        if stem in TWO_LIVES and any(w.text[0] == "\x01" for w in before):
            return Who.SYSTEM
        return Who.TEAM if stem in TEAM_NOUNS else Who.PERSON
    if word in TEAM_NAMES and not before and head.text != "it":
        return Who.TEAM if head.text[0].isupper() or word not in ("it", "support", "security", "infra") else Who.UNKNOWN
    if head.text[0].isupper() and not head.text.isupper() and "-" not in head.text:
        if word in GIVEN_NAMES and not modifiers:
            return Who.PERSON
        if len(before) == 1 and before[0].lower in GIVEN_NAMES and before[0].text[0].isupper():
            return Who.PERSON
        if not before or all(w.text[0].isupper() and w.lower not in DETERMINERS for w in before):
            return Who.NAME
    return Who.SYSTEM


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


def phrase_before(words: tuple[Token, ...], end: int) -> Phrase:
    """The noun phrase that ends at `end`, prepositional tails («of the team») followed to their head."""
    everything = frozenset(w.lower for w in words)
    tail_end = end - (end > 1 and words[end - 1].lower in _AFTER_ITS_NOUN)
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
        at += 1
        if words[at - 1].lower in FIRST_PERSON | {"us", "him", "them", "who"}:
            break
    # «an engineer on call»
    if at + 1 < len(words) and words[at].lower == "on" and words[at + 1].lower == "call" and at > start:
        return Phrase(Who.PERSON, start, at + 2)
    everything = frozenset(w.lower for w in words)
    return Phrase(classify(words[start:at], everything), start, at)
