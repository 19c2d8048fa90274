-- Issues of action items in the team's tracker. A try is written down before it is made.
CREATE TABLE tracker_issues (
  tracker text NOT NULL,
  item text NOT NULL REFERENCES action_items ON DELETE CASCADE,
  -- What the issue is found by when the answer to its creation is lost.
  marker text NOT NULL,
  tries integer NOT NULL DEFAULT 0,
  first_tried_at timestamptz,
  -- Begin of the last try that may have come about; null where none may.
  tried_at timestamptz,
  next_at timestamptz NOT NULL,
  id text NOT NULL DEFAULT '',
  url text NOT NULL DEFAULT '',
  -- 0 not known, 1 open, 2 done, 3 dropped
  there smallint NOT NULL DEFAULT 0 CHECK (there BETWEEN 0 AND 3),
  last_error text NOT NULL DEFAULT '',
  PRIMARY KEY (tracker, item),
  CONSTRAINT tracker_marker UNIQUE (tracker, marker)
);
CREATE INDEX tracker_issues_due ON tracker_issues (tracker, next_at) WHERE id = '';

CREATE TABLE tracker_polls (tracker text PRIMARY KEY, polled_at timestamptz NOT NULL);
