"""Secrets and personal data out of text, before it is stored.

`Redactor.text` replaces what a rule finds by a placeholder that names the kind, `[redacted:email]`: always the same, so
that log lines with different secrets still make one pattern. RE2 scans a text once for the signs of all rules, in time
linear in the text; only where it finds one is that rule's expression tried.
"""

import re
from collections.abc import Iterable

import re2

from shared.redaction_rules import RULES, Rule, is_secret_name

_LONGEST = 65_536
_MOST_NAMES = 10_000
# Attributes repeat: the same few values, span after span.
_MOST_ANSWERS = 50_000
_LONGEST_REMEMBERED = 100


def placeholder(kind: str) -> str:
    """What stands in the place of a secret."""
    return f"[redacted:{kind}]"


class Redactor:
    """Redacts with the rules, less what a team allows and more what it denies.

    allow: texts that stay even where a rule finds them. deny: names of attributes whose values always go.
    """

    def __init__(self, *, allow: Iterable[str] = (), deny: Iterable[str] = (), rules: Iterable[Rule] = RULES) -> None:
        self._allow = frozenset(allow)
        self._deny = frozenset(name.lower() for name in deny)
        self._rules = tuple(rules)
        self._names: dict[str, bool] = {}
        self._answers: dict[tuple[str, str], str] = {}
        self._signs = _signs(self._rules)

    def text(self, text: str) -> str:
        """`text` without secrets and personal data; what is longer than 64 Ki characters is cut there first."""
        if len(text) > _LONGEST:
            text = text[:_LONGEST]
        # Half a character, which JSON can write and UTF-8 cannot, is for the rules no different from none.
        found = self._signs.Match(text if text.isascii() else text.encode("utf-8", "replace"))
        for place in sorted(found or ()):
            text = self._apply(self._rules[place], text)
        return text

    def attribute(self, name: str, value: str) -> str:
        """The value of an attribute: gone altogether when its name says that it is a secret."""
        if len(value) > _LONGEST_REMEMBERED:
            return self._attribute(name, value)
        answer = self._answers.get((name, value))
        if answer is None:
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.clear()
            answer = self._answers[name, value] = self._attribute(name, value)
        return answer

    def _attribute(self, name: str, value: str) -> str:
        is_secret = self._names.get(name)
        if is_secret is None:
            if len(self._names) > _MOST_NAMES:
                self._names.clear()
            is_secret = self._names[name] = name.lower() in self._deny or is_secret_name(name)
        if is_secret and value and value not in self._allow:
            return placeholder("secret")
        return self.text(value) if len(value) > 5 else value

    def _apply(self, rule: Rule, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            found = match[rule.group]
            if found in self._allow or found.startswith("[redacted:") or (rule.accepts and not rule.accepts(found)):
                return match[0]
            begin, end = match.start(rule.group) - match.start(), match.end(rule.group) - match.start()
            if rule.group and len(found) > 1 and found[0] == found[-1] and found[0] in "\"'":
                # The quotes stay: JSON remains JSON.
                begin, end = begin + 1, end - 1
            return match[0][:begin] + placeholder(rule.kind) + match[0][end:]
        return rule.pattern.sub(replace, text)


def _signs(rules: Iterable[Rule]) -> "re2.Set":
    options = re2.Options()
    options.case_sensitive = False
    found = re2.Set.SearchSet(options)
    for rule in rules:
        found.Add(rule.sign)
    found.Compile()
    return found
