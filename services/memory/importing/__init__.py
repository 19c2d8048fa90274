"""What people keep post-mortems and runbooks in, read as documents."""
