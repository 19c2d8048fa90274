-- Positions are given out by updating this one row, whose lock is held to the end of the transaction: a lower position
-- never becomes visible after a higher one, so a replica that reads what is above its position misses nothing.
CREATE TABLE position (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  value bigint NOT NULL,
  -- Tells this database from any other, so that no index file of another is taken for ours.
  id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO position (value) VALUES (0);

-- A forgotten document keeps its row, empty, because replicas must learn that it is gone.
CREATE TABLE documents (
  name text PRIMARY KEY,
  kind smallint NOT NULL CHECK (kind IN (1, 2)),
  stream text NOT NULL,
  source_id text NOT NULL,
  title text NOT NULL,
  markdown text NOT NULL,
  services text[] NOT NULL,
  tags text[] NOT NULL,
  severity smallint NOT NULL,
  occurred_at timestamptz,
  alert_names text[] NOT NULL,
  log_patterns text[] NOT NULL,
  url text NOT NULL,
  resolution text NOT NULL,
  content_hash bytea NOT NULL,
  is_forgotten boolean NOT NULL DEFAULT false,
  position bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX documents_position ON documents (position);
CREATE INDEX documents_listed ON documents (stream, created_at, name) WHERE NOT is_forgotten;

CREATE TABLE passages (
  document text NOT NULL REFERENCES documents,
  ordinal integer NOT NULL,
  role smallint NOT NULL,
  heading text NOT NULL,
  text text NOT NULL,
  PRIMARY KEY (document, ordinal)
);

-- The vectors of all passages of a document under one model: float32, little-endian, passage after passage.
CREATE TABLE vectors (
  document text NOT NULL REFERENCES documents,
  model text NOT NULL,
  dimension integer NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (document, model)
);

CREATE TABLE feedback (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  document text NOT NULL REFERENCES documents,
  author text NOT NULL,
  query text NOT NULL,
  query_hash bytea NOT NULL,
  is_helpful boolean NOT NULL,
  incident text NOT NULL,
  model text NOT NULL,
  vector bytea NOT NULL,
  position bigint NOT NULL,
  given_at timestamptz NOT NULL,
  -- Who changes his mind about the same thing has one voice still.
  CONSTRAINT feedback_one_voice UNIQUE (document, author, query_hash)
);
CREATE INDEX feedback_position ON feedback (position);

-- The embedding model that answers, the one being brought in, and the one that the settings named at the last start:
-- only a change of the settings, not their difference from what an RPC asked for, brings in another.
CREATE TABLE model (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  active text NOT NULL,
  next text NOT NULL DEFAULT '',
  configured text NOT NULL
);

CREATE TABLE requests (
  method text NOT NULL, request_id text NOT NULL, fingerprint bytea NOT NULL, answer bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (method, request_id)
);
