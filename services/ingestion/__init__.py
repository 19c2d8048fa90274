"""Takes telemetry and events in, and keeps the telemetry log."""
