-- Of a document that somebody brought, what it was then: the text may have been edited here since, and the same file
-- again must not undo that.
ALTER TABLE documents ADD COLUMN brought_hash bytea;
