"""Webhooks of other systems: a parser each, from bytes and headers to events."""
