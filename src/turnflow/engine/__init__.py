"""The embedded engine: one asyncio process that runs flows durably."""

from turnflow.engine.clock import SystemClock
from turnflow.engine.crash import CRASH_POINTS
from turnflow.engine.desk import Desk
from turnflow.engine.engine import Engine
from turnflow.engine.process import Process
from turnflow.engine.registry import Registry
from turnflow.engine.schedules import Schedule, Schedules
from turnflow.engine.task import Change, Cursor, StepRecord, Task, TaskNode, cursor_of
from turnflow.engine.tasks import Tasks, tasks_beside
from turnflow.engine.texts import Texts

__all__ = [
    "CRASH_POINTS",
    "Change",
    "Cursor",
    "Desk",
    "Engine",
    "Process",
    "Registry",
    "Schedule",
    "Schedules",
    "StepRecord",
    "SystemClock",
    "Task",
    "TaskNode",
    "Tasks",
    "Texts",
    "cursor_of",
    "tasks_beside",
]
