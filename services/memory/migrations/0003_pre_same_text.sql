-- An import asks whether a text is there already under another name; the digest is only the way to it.
CREATE INDEX documents_same_text ON documents (stream, kind, md5(markdown)) WHERE NOT is_forgotten;
