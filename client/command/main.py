"""`condocharge`: one command for residents, auditors and whoever runs the platform.

The client's own subcommands are added below; those of other packages (the gateway's, the network tool's,
the demonstration's) are found through the entry-point group `condocharge.commands`, so that this package
need not import theirs.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from client.command.audit import audit
from client.command.custody import change_passphrase, restore, rotate_key, words
from client.command.ending import reclaim, stop
from client.command.failure import EXPECTED, failure_of
from client.command.giving import redeem, transfer
from client.command.mandate import mandate
from client.command.opening import open_session
from client.command.purchase import buy
from client.command.receipt import receipt
from client.command.units import units
from client.command.wallet import wallet
from client.command.watching import INTERRUPTED, watch

ENTRY_POINTS = "condocharge.commands"


class Commands(click.Group):
    """A group that also offers the commands registered under `condocharge.commands`.

    A registered command is imported only when it is asked for by name or listed in the help.
    """

    def invoke(self, context: click.Context) -> Any:
        """Run the command; what is no defect of the program ends it with a sentence."""
        try:
            return super().invoke(context)
        except click.Abort as error:
            # click raises it for Ctrl-C at a prompt too; a "no" is the answer to "Sign this?".
            click.echo("Nothing was signed.", err=True)
            raise SystemExit(INTERRUPTED if isinstance(error.__context__, KeyboardInterrupt) else 1) from None
        except EXPECTED as error:
            raise failure_of(error) from error

    def list_commands(self, context: click.Context) -> list[str]:
        """The client's own commands and the registered ones, sorted."""
        return sorted({*super().list_commands(context), *(point.name for point in _registered())})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command called `name`; raises `click.ClickException` where its package lacks an extra."""
        own = super().get_command(context, name)
        if own is not None:
            return own
        for point in _registered():
            if point.name == name:
                return _load(point)
        return None


def _registered() -> list[EntryPoint]:
    return list(entry_points(group=ENTRY_POINTS))


def _load(point: EntryPoint) -> click.Command:
    """The command behind an entry point, or one that says which extra it lacks."""
    try:
        command = point.load()
    except ModuleNotFoundError as error:
        return _unavailable(point.name, error.name or str(error))
    if not isinstance(command, click.Command):
        raise TypeError(f"the entry point {point.name} = {point.value} is not a click command")
    return command


def _unavailable(name: str, module: str) -> click.Command:
    """A stand-in, so that one missing extra does not take the help of all the others away."""
    sentence = f"`{name}` needs the Python package {module}; install condocharge[gateway,postgresql,fabric]."

    @click.command(
        name, help=f"(not installed) {sentence}", context_settings={"ignore_unknown_options": True}
    )
    @click.argument("arguments", nargs=-1)
    def refuse(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(sentence)

    return refuse


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="condocharge")
def main() -> None:
    """Shared electric-vehicle charging that a condominium runs itself.

    Exit codes: 1 refused, 2 wrong use, 3 the gateway does not answer, 4 verified and found wrong,
    130 interrupted (Ctrl-C).
    """


for _command in (
    audit, buy, mandate, open_session, receipt, reclaim, redeem, stop, transfer, units, wallet, watch,
):  # fmt: skip
    main.add_command(_command)
for _command in (change_passphrase, restore, rotate_key, words):
    wallet.add_command(_command)
