-- Incident cards with all their versions, the evidence that is frozen with an incident, and what is to be delivered.

-- Up to where other services' streams have been worked off; moves in the transaction of what came of it.
CREATE TABLE positions (
  reader text PRIMARY KEY,
  position bigint NOT NULL
);

CREATE TABLE card_versions (
  incident text NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  -- Given out under a lock that is held until commit: order of position is order of visibility.
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  stream text NOT NULL,
  created_at timestamptz NOT NULL,
  -- Of everything but version, time and latency: the same card again is no new version.
  fingerprint text NOT NULL,
  -- afteraction.v1.Card
  message bytea NOT NULL,
  markdown text NOT NULL,
  html text NOT NULL,
  slack jsonb NOT NULL,
  PRIMARY KEY (incident, version)
);

-- Evidence outlives the telemetry that it came from.
CREATE TABLE evidence (
  incident text NOT NULL,
  key text NOT NULL,
  -- E1, E2, …
  id text NOT NULL,
  -- afteraction.v1.Evidence
  message bytea NOT NULL,
  frozen_at timestamptz NOT NULL,
  PRIMARY KEY (incident, key),
  CONSTRAINT evidence_number UNIQUE (incident, id)
);

-- Outgoing webhooks: written with the card, sent at least once; what nobody took stays as a dead letter.
CREATE TABLE deliveries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The receiver knows a repeated delivery by it.
  webhook_id text NOT NULL,
  -- webhook, slack
  target text NOT NULL,
  body bytea NOT NULL,
  created_at timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  delivered_at timestamptz,
  dead_at timestamptz,
  last_error text NOT NULL DEFAULT '',
  CONSTRAINT delivery_once UNIQUE (webhook_id, target)
);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE delivered_at IS NULL AND dead_at IS NULL;
