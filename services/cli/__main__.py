"""The command `afteraction`."""

import sys
from typing import NoReturn

import typer

from services.cli import actions, incidents, insights, notes, runbooks
from services.cli.backtest import backtest
from services.cli.cards import card
from services.cli.config import config
from services.cli.demo.command import demo
from services.cli.doctor import doctor
from services.cli.documents import import_documents
from services.cli.history import import_incidents
from services.cli.lint import lint_files
from services.cli.notes import note
from services.cli.output import errors
from services.cli.postmortem import commands as postmortem
from services.cli.replay import replay
from services.cli.review import review
from services.cli.search import feedback, search
from services.cli.serve import serve
from shared.errors import AfteractionError, Unavailable
from shared.settings import SettingsError

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="From telemetry to incident, card, post-mortem and memory.")
app.command()(demo)
app.command()(serve)
app.command()(config)
app.command()(doctor)
app.command()(replay)
app.command()(backtest)
app.add_typer(incidents.app, name="incidents")
app.command()(card)
app.add_typer(postmortem.app, name="postmortem")
app.add_typer(actions.app, name="actions")
app.command()(note)
app.add_typer(notes.app, name="event")
app.command()(search)
app.command()(feedback)
app.add_typer(runbooks.app, name="runbooks")
app.command("import")(import_documents)
app.command("import-incidents")(import_incidents)
app.command("lint")(lint_files)
app.command()(review)
app.add_typer(insights.app, name="insights")

# Exit codes: 1 the call failed, 2 a setting or an argument is wrong, 3 a service is away (trying again may help).
_FAILED, _WRONG, _AWAY = 1, 2, 3


def main() -> NoReturn:
    """Runs the command line; an error is one sentence on standard error and an exit code."""
    try:
        app(standalone_mode=True)
    except SettingsError as error:
        errors.print(str(error), markup=False)
        sys.exit(_WRONG)
    except Unavailable as error:
        errors.print(f"{error.message}\nIs it running? `afteraction serve` starts everything, `afteraction doctor` "
                     "says which services answer.", markup=False)
        sys.exit(_AWAY)
    except AfteractionError as error:
        for sentence in (error.message, *(f"  {each.subject}: {each.description}" for each in error.violations
                                          if each.description not in error.message)):
            errors.print(sentence, markup=False)
        sys.exit(_FAILED)
    sys.exit(0)


if __name__ == "__main__":
    main()
