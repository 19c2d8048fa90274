"""All of them under one name."""

import typer

from services.cli.postmortem import looking, reviewing, writing

app = typer.Typer(help="Reads, edits, reviews and publishes post-mortems.")
for each in (looking, writing, reviewing):
    app.add_typer(each.app)
