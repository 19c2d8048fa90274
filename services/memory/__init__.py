"""Remembers documents, finds the ones that help, and keeps the runbooks."""
