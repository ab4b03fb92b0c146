"""Flows in typed Python: decorators, the turn, durations and triggers."""

from turnflow.authoring.durations import days, hours, minutes, seconds
from turnflow.authoring.flow import Flow
from turnflow.authoring.handlers import FlowHandlers
from turnflow.authoring.options import Retry
from turnflow.authoring.run_info import OpenWait, Results, RunInfo
from turnflow.authoring.triggers import any_text, callback, command, event, media, pattern, schedule, where
from turnflow.authoring.turn import Turn
from turnflow.authoring.typed_action import TypedAction
from turnflow.core.progress import Progress, progress_of

__all__ = [
    "Flow",
    "FlowHandlers",
    "OpenWait",
    "Progress",
    "Results",
    "Retry",
    "RunInfo",
    "Turn",
    "TypedAction",
    "any_text",
    "callback",
    "command",
    "days",
    "event",
    "hours",
    "media",
    "minutes",
    "pattern",
    "progress_of",
    "schedule",
    "seconds",
    "where",
]
