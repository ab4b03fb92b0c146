"""Talk with flows in a terminal, or by a pipe."""

from turnflow.channels.terminal.channel import TerminalChannel, TerminalRuntime, run_terminal

__all__ = ["TerminalChannel", "TerminalRuntime", "run_terminal"]
