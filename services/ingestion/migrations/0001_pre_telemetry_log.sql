-- The telemetry log. Positions are given out under the lock of the one row of `head`, which is held until the commit:
-- order of position is order of visibility, and a reader never has to look back.
CREATE TABLE head (
  is_head boolean PRIMARY KEY DEFAULT true CHECK (is_head),
  position bigint NOT NULL
);
INSERT INTO head (position) VALUES (0);

-- One service's part of one request. Times are Unix nanoseconds of event time; partitions are days of arrival.
CREATE TABLE chunks (
  position bigint NOT NULL,
  arrived_at timestamptz NOT NULL,
  stream text NOT NULL,
  service text NOT NULL,
  signal smallint NOT NULL,          -- chunks.Signal
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  columns bytea,                     -- what Tail reads, zstd of a TailResponse
  raw bytea,                         -- what GetEvidence alone reads: lines or spans, zstd of columnar JSON
  watermark bigint NOT NULL,         -- of the stream, as of this position; 0: none yet
  is_closed boolean NOT NULL,
  PRIMARY KEY (position, arrived_at)
) PARTITION BY RANGE (arrived_at);
-- Both are compressed already.
ALTER TABLE chunks ALTER COLUMN columns SET STORAGE EXTERNAL;
ALTER TABLE chunks ALTER COLUMN raw SET STORAGE EXTERNAL;
CREATE INDEX chunks_window ON chunks (stream, service, last_at);

CREATE TABLE streams (
  stream text PRIMARY KEY,
  watermark bigint NOT NULL,
  is_closed boolean NOT NULL DEFAULT false
);

-- Definitions of series, for every stream.
CREATE TABLE series (
  id bigint PRIMARY KEY,             -- the fixed64 of the proto, as a signed number
  service text NOT NULL,
  definition bytea NOT NULL,
  seen_on date NOT NULL
);
CREATE INDEX series_service ON series (service);

-- Digests of what was accepted lately: the same request again is stored once.
CREATE TABLE deliveries (
  digest bytea PRIMARY KEY,
  arrived_at timestamptz NOT NULL
);
CREATE INDEX deliveries_age ON deliveries (arrived_at);

CREATE TABLE events (
  stream text NOT NULL,
  id text NOT NULL,
  occurred_at bigint NOT NULL,
  service text NOT NULL,
  payload bytea NOT NULL,            -- an afteraction.v1.Event
  position bigint NOT NULL,
  arrived_at timestamptz NOT NULL,
  PRIMARY KEY (stream, id)
);
CREATE INDEX events_window ON events (stream, occurred_at);

-- Patterns that Drain found: enough to build its tree again.
CREATE TABLE patterns (
  stream text NOT NULL,
  service text NOT NULL,
  pattern text NOT NULL,
  template text NOT NULL,
  birth_template text NOT NULL,
  severity text NOT NULL,
  first_seen_at bigint NOT NULL,
  example text NOT NULL,
  PRIMARY KEY (stream, service, pattern)
);

-- How far each reader has made its results durable: retention never passes it.
CREATE TABLE readers (
  reader text PRIMARY KEY,
  position bigint NOT NULL,
  committed_at timestamptz NOT NULL
);

CREATE TABLE doors (
  name text PRIMARY KEY,
  accepted_requests bigint NOT NULL,
  rejected_requests bigint NOT NULL,
  accepted_items bigint NOT NULL,
  rejected_items bigint NOT NULL,
  last_received_at timestamptz,
  last_error text NOT NULL
);

-- Who sends, for `doctor` and for the watermark after a restart.
CREATE TABLE senders (
  stream text NOT NULL,
  door text NOT NULL,
  service text NOT NULL,
  user_agent text NOT NULL,
  items bigint NOT NULL,
  last_received_at timestamptz NOT NULL,
  PRIMARY KEY (stream, door, service, user_agent)
);

CREATE TABLE counters (
  name text NOT NULL,
  key text NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (name, key)
);

CREATE TABLE requests (
  method text NOT NULL, request_id text NOT NULL, fingerprint bytea NOT NULL, answer bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (method, request_id)
);
