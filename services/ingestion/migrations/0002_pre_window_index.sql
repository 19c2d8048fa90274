-- A window asks for chunks whose times overlap it. Nearly all chunks span less than an hour, so that for them the upper
-- bound of the window bounds the index scan as well; the few long ones (backfills) have an index of their own. Without
-- the two a window of last week would walk over everything that came since.
CREATE INDEX chunks_short ON chunks (stream, service, last_at) WHERE last_at - first_at <= 3600000000000;
CREATE INDEX chunks_long ON chunks (stream, service, last_at) WHERE last_at - first_at > 3600000000000;
DROP INDEX chunks_window;
