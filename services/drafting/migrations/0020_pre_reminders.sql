-- Reminders that were delivered: one occasion is one id, and is told once.
CREATE TABLE reminders_sent (
  id text PRIMARY KEY,
  subject text NOT NULL,
  sent_at timestamptz NOT NULL
);
