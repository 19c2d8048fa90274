"""`afteraction postmortem`: looks at post-mortems, writes them, reviews and publishes them."""
