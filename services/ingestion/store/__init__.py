"""All SQL of ingestion."""
