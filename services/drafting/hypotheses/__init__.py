"""Ranked possible causes of an incident, from what was observed."""
