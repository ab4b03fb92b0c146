"""The engine's services, for actions that are nothing without an engine."""

from __future__ import annotations

from turnflow.errors import UserCodeError
from turnflow.ports import ActionContext, ActionServices


def services_of(context: ActionContext, action: str) -> ActionServices:
    """Return the services. Raises `UserCodeError` (`no_engine`) in a direct call."""
    if context.services is None:
        raise UserCodeError("no_engine", f"action {action!r} needs an engine; call it from a flow")
    return context.services
