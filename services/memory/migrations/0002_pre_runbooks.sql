CREATE TABLE runbooks (
  name text PRIMARY KEY,
  stream text NOT NULL,
  service text NOT NULL,
  category text NOT NULL,
  title text NOT NULL,
  markdown text NOT NULL,
  triggers text[] NOT NULL,
  diagnosis_steps text[] NOT NULL,
  mitigation_steps text[] NOT NULL,
  postmortems text[] NOT NULL,
  alert_names text[] NOT NULL,
  url text NOT NULL,
  times_used integer NOT NULL DEFAULT 0,
  last_verified_at timestamptz,
  revision integer NOT NULL,
  is_edited boolean NOT NULL,
  document text NOT NULL REFERENCES documents,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX runbooks_document ON runbooks (document);
-- One runbook for a failure mode; imported ones have no category and are told apart by their document.
CREATE UNIQUE INDEX runbooks_failure_mode ON runbooks (stream, service, category) WHERE category <> '';
CREATE INDEX runbooks_listed ON runbooks (stream, created_at, name);

CREATE TABLE runbook_revisions (
  runbook text NOT NULL REFERENCES runbooks,
  number integer NOT NULL,
  author text NOT NULL,
  markdown text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (runbook, number)
);

CREATE TABLE runbook_proposals (
  id text PRIMARY KEY,
  runbook text NOT NULL REFERENCES runbooks,
  postmortem text NOT NULL,
  markdown text NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'accepted', 'rejected')),
  decided_by text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL
);
CREATE INDEX runbook_proposals_waiting ON runbook_proposals (runbook) WHERE state = 'waiting';

CREATE TABLE runbook_uses (
  runbook text NOT NULL REFERENCES runbooks,
  incident text NOT NULL,
  used_at timestamptz NOT NULL,
  helped boolean NOT NULL,
  PRIMARY KEY (runbook, incident)
);
