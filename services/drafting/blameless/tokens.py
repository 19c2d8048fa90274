"""A sentence as words and marks, and what form a word has."""

import re
from dataclasses import dataclass

from services.drafting.blameless.word_sets import word_set

_TOKEN = re.compile(r"@[A-Za-z][\w.-]*\w|\x01+|[A-Za-z](?:[\w]|['’\-](?=\w))*|\d[\w.:%/-]*|[^\s\w]")


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


Words = tuple[Token, ...]


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
    perhaps too probably far yesterday today early
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
    could should may might must let cut chose shows show causes cause means mean overrode overwrote withdrew blew flew
    froze drove hid hung swept slept sat swore tore wore bore bent crept dealt dug fed fought forbade lent lit lay laid
    overcame overtook rode rang rewrote sank sold shook shot shrank slid sought spun split spread stole struck swung
    underwent undertook undid upheld mistook misread oversaw overran outgrew foresaw reran redid withheld quit launched
    threw clung withstood misunderstood
""")


# Past participles that stand before their noun.
_ADJECTIVE_ED = word_set("""
    assigned experienced rostered tired junior senior responsible distributed shared managed embedded dedicated
    extended unexperienced red rushed overworked unsupervised seasoned certified trained skilled newly-hired
    remaining
""")


_NOT_VERBS_ED = word_set("""
    need feed speed seed embed indeed hundred shed bed red id fred ted ahmed mohamed mohammed jared
""")


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


def is_adverb_at(words: Words, at: int) -> bool:
    return at < len(words) and is_adverb(words[at])


def lower(words: Words, at: int) -> str:
    return words[at].lower if 0 <= at < len(words) else ""
