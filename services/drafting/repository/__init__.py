"""Published post-mortems and runbooks as files in the team's Git repository, and people's edits back from there."""
