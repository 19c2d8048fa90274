-- What a window scans, merged behind the log: the columns of many chunks of one service and signal as one block. What a
-- window shows (lines, attributes of spans) stays in the chunks, whose positions a block keeps.
CREATE TABLE blocks (
  position bigint NOT NULL,          -- of the last chunk in it
  arrived_at timestamptz NOT NULL,   -- of the last chunk in it
  stream text NOT NULL,
  service text NOT NULL,
  signal smallint NOT NULL,
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  columns bytea,                     -- as in chunks
  raw bytea,                         -- of spans; lines stay in their chunks
  positions bigint[] NOT NULL,       -- its chunks
  lengths integer[] NOT NULL         -- how many spans, or points of log.lines, each of them brought, in the same order
) PARTITION BY RANGE (arrived_at);
ALTER TABLE blocks ALTER COLUMN columns SET STORAGE EXTERNAL;
ALTER TABLE blocks ALTER COLUMN raw SET STORAGE EXTERNAL;
-- A window asks for blocks whose times overlap it. Nearly all of them span less than an hour, so that for them the upper
-- bound of the window bounds the index scan as well; the few long ones (backfills) have an index of their own.
CREATE INDEX blocks_short ON blocks (stream, service, signal, last_at) WHERE last_at - first_at <= 3600000000000;
CREATE INDEX blocks_long ON blocks (stream, service, signal, last_at) WHERE last_at - first_at > 3600000000000;

-- Up to which position the chunks of a service and signal are in blocks; moves in one transaction with them.
CREATE TABLE merged (
  stream text NOT NULL,
  service text NOT NULL,
  signal smallint NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (stream, service, signal)
);

-- What is not merged yet of a service and signal, in order.
CREATE INDEX chunks_behind ON chunks (stream, service, signal, position);
DROP INDEX chunks_short;
DROP INDEX chunks_long;

-- Spans became columns of their own; attributes and messages, which only a shown span needs, stand beside them.
ALTER TABLE chunks ADD COLUMN details bytea;
ALTER TABLE chunks ALTER COLUMN details SET STORAGE EXTERNAL;
UPDATE chunks SET raw = NULL WHERE signal = 2;
