"""The blameless lint: `lint(text)` and what it returns. linting.py reads a text, rules.py names the rules."""

from services.drafting.blameless.linting import Finding, lint

__all__ = ["Finding", "lint"]
