-- Post-mortems, every revision of them, who changed what, and the items that they ask for.

-- First answers of retried requests (shared.postgres.requests).
CREATE TABLE IF NOT EXISTS requests (
  method text NOT NULL, request_id text NOT NULL, fingerprint bytea NOT NULL, answer bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (method, request_id)
);

CREATE TABLE postmortems (
  name text PRIMARY KEY,
  incident text NOT NULL CONSTRAINT postmortem_of_incident UNIQUE,
  stream text NOT NULL,
  -- 1 draft, 2 in review, 3 published, 4 amended: published before, and in review again
  state smallint NOT NULL CHECK (state BETWEEN 1 AND 4),
  severity smallint NOT NULL CHECK (severity BETWEEN 0 AND 4),
  title text NOT NULL,
  revision integer NOT NULL CHECK (revision >= 1),
  -- Counts every change; who writes shows the one that he read.
  version bigint NOT NULL,
  services text[] NOT NULL,
  tags text[] NOT NULL,
  reviewers text[] NOT NULL DEFAULT '{}',
  comments jsonb NOT NULL DEFAULT '[]',
  answers jsonb NOT NULL DEFAULT '[]',
  waivers jsonb NOT NULL DEFAULT '[]',
  -- afteraction.v1.Postmortem: what the drafter found beside the text.
  drafted bytea NOT NULL,
  is_edited boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  submitted_at timestamptz,
  published_at timestamptz,
  published_revision integer NOT NULL DEFAULT 0,
  -- documents/{id} and position in memory, once it remembers.
  document text NOT NULL DEFAULT '',
  ticket_url text NOT NULL DEFAULT '',
  onset_at timestamptz,
  resolved_at timestamptz,
  latency_s double precision NOT NULL DEFAULT 0,
  search tsvector NOT NULL
);
CREATE INDEX postmortems_by_time ON postmortems (stream, created_at DESC, name DESC);
CREATE INDEX postmortems_by_words ON postmortems USING gin (search);

CREATE TABLE revisions (
  postmortem text NOT NULL REFERENCES postmortems,
  number integer NOT NULL CHECK (number >= 1),
  author text NOT NULL,
  created_at timestamptz NOT NULL,
  -- Bytes, not text: what a person wrote comes back as it was, U+0000 included, which text does not hold.
  markdown bytea NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (postmortem, number)
);

CREATE TABLE audit_entries (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  postmortem text NOT NULL REFERENCES postmortems,
  occurred_at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  detail text NOT NULL,
  revision integer NOT NULL
);
CREATE INDEX audit_entries_by_postmortem ON audit_entries (postmortem, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
END $$;
CREATE TRIGGER revisions_are_kept BEFORE UPDATE OR DELETE ON revisions
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entries_are_kept BEFORE UPDATE OR DELETE ON audit_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Positions are given out under a lock that is held until commit: order of position is order of visibility.
CREATE TABLE postmortem_changes (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  postmortem text NOT NULL REFERENCES postmortems,
  stream text NOT NULL
);

CREATE TABLE action_items (
  name text PRIMARY KEY,
  postmortem text NOT NULL REFERENCES postmortems,
  number integer NOT NULL,
  incident text NOT NULL,
  stream text NOT NULL,
  title text NOT NULL,
  owner text NOT NULL,
  due date,
  priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
  -- 1 suggested, 2 open, 3 done, 4 dropped
  state smallint NOT NULL CHECK (state BETWEEN 1 AND 4),
  url text NOT NULL,
  reason text NOT NULL,
  evidence text[] NOT NULL,
  category text NOT NULL,
  created_at timestamptz NOT NULL,
  done_at timestamptz,
  version integer NOT NULL,
  CONSTRAINT action_item_number UNIQUE (postmortem, number)
);
CREATE INDEX action_items_by_due ON action_items (stream, state, due);

-- What a publication still has to bring about elsewhere; written in its transaction, done at least once.
CREATE TABLE publications (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  postmortem text NOT NULL REFERENCES postmortems,
  revision integer NOT NULL,
  -- remember, git, tickets, refresh
  task text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  last_error text NOT NULL DEFAULT '',
  done_at timestamptz,
  CONSTRAINT publication_task UNIQUE (postmortem, revision, task)
);
CREATE INDEX publications_due ON publications (next_attempt_at) WHERE done_at IS NULL;
