-- Incidents as they are now. document: afteraction.v1.Incident; decisions: what people decided, which telemetry does
-- not overrule (JSON). The other columns are what lists are filtered by.
CREATE TABLE incidents (
  name        text PRIMARY KEY,
  stream      text NOT NULL,
  state       text NOT NULL CHECK (state IN ('open', 'acknowledged', 'resolved', 'merged')),
  severity    smallint NOT NULL CHECK (severity BETWEEN 1 AND 4),
  services    text[] NOT NULL,
  onset_at    timestamptz NOT NULL,
  revision    bigint NOT NULL,
  document    bytea NOT NULL,
  decisions   jsonb NOT NULL
);
CREATE INDEX incidents_by_onset ON incidents (stream, onset_at DESC, name DESC);
CREATE INDEX incidents_by_service ON incidents USING gin (services);

-- Every stored change of an incident, in order of commit: positions are given out under the lock of `watch_end`.
CREATE TABLE transitions (
  position    bigint PRIMARY KEY,
  incident    text NOT NULL REFERENCES incidents (name),
  stream      text NOT NULL,
  kind        smallint NOT NULL,
  document    bytea NOT NULL,
  decisions   jsonb NOT NULL
);
CREATE INDEX transitions_by_stream ON transitions (stream, position);

CREATE TABLE watch_end (
  is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  position    bigint NOT NULL
);
INSERT INTO watch_end (position) VALUES (0);

-- Position of the telemetry log up to which effects are committed. One row: every stream is read in one pass.
CREATE TABLE cursor (
  is_only     boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  position    bigint NOT NULL
);
INSERT INTO cursor (position) VALUES (0);

CREATE TABLE streams (
  stream      text PRIMARY KEY,
  position    bigint NOT NULL,
  watermark   timestamptz,
  is_closed   boolean NOT NULL,
  series      bigint NOT NULL,
  points      bigint NOT NULL
);

-- What the detectors knew at a position: a cache, from which the log is read again. In parts, since a value of
-- PostgreSQL ends at a gigabyte.
CREATE TABLE checkpoints (
  position    bigint NOT NULL,
  part        integer NOT NULL,
  parts       integer NOT NULL,
  version     text NOT NULL,
  state       bytea NOT NULL,
  PRIMARY KEY (position, part)
);

CREATE TABLE requests (
  method text NOT NULL, request_id text NOT NULL, fingerprint bytea NOT NULL, answer bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (method, request_id)
);
