-- Up to which commit people's edits in a Git repository were read.
CREATE TABLE repository_positions (location text PRIMARY KEY, commit_id text NOT NULL, read_at timestamptz NOT NULL);
