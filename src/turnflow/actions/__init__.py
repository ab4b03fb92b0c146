"""Actions: what flows do in the world."""

from turnflow.actions.action import Action, action

__all__ = ["Action", "action"]
