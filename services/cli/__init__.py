"""`afteraction`: a client like any other, plus `serve`, which starts the others."""
