"""Action items in the team's tracker: protocols without I/O, one file a tracker, and what runs them."""
