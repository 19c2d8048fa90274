"""Typed clients for programs that are not ours."""
