"""Actions: what flows do in the world."""

from turnflow.actions.action import Action, action
from turnflow.actions.builtin.collection import builtin_actions
from turnflow.actions.outbound.connection import Connection
from turnflow.actions.outbound.policy import HttpPolicy
from turnflow.actions.secrets import redact, resolve_secrets

__all__ = ["Action", "Connection", "HttpPolicy", "action", "builtin_actions", "redact", "resolve_secrets"]
