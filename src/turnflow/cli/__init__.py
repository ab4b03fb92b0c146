"""The command line: `turnflow serve | chat | operator | graph | rehearse`. One module per command."""

from turnflow.cli.commands import main

__all__ = ["main"]
