"""Turnflow: durable conversation flows. A flow is a typed state machine that survives `kill -9`."""

from msgspec import Meta

from turnflow.actions import Action, action
from turnflow.app import open_engine
from turnflow.authoring import (
    Flow,
    Retry,
    Turn,
    any_text,
    callback,
    command,
    days,
    event,
    hours,
    media,
    minutes,
    pattern,
    schedule,
    seconds,
    where,
)
from turnflow.core.directives import Directive
from turnflow.core.inputs import Input
from turnflow.core.messages import Button, Media, Message
from turnflow.core.state import Failure
from turnflow.engine import Engine, Registry, Texts

__all__ = [
    "Action",
    "Button",
    "Directive",
    "Engine",
    "Failure",
    "Flow",
    "Input",
    "Media",
    "Message",
    "Meta",
    "Registry",
    "Retry",
    "Texts",
    "Turn",
    "action",
    "any_text",
    "callback",
    "command",
    "days",
    "event",
    "hours",
    "media",
    "minutes",
    "open_engine",
    "pattern",
    "schedule",
    "seconds",
    "where",
]
