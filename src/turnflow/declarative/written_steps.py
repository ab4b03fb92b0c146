"""Steps and groups as documents write them; what is at its default is left out."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from turnflow.core.definition import HandlerStep, Reminder, WaitSpec
from turnflow.core.ids import Json
from turnflow.core.nodes import (
    ActionStep,
    DecisionStep,
    EndStep,
    EventStep,
    FlowStep,
    Group,
    Loop,
    Node,
    Output,
    Parallel,
    Poll,
    Retry,
    Sequence,
    Settings,
    Template,
    TimerStep,
)
from turnflow.declarative.accepting import written_accepts
from turnflow.declarative.choices import Option, written_rows
from turnflow.declarative.durations import words
from turnflow.declarative.questions import DEFAULT_ACCEPTS, own_buttons

Fields = dict[str, Json]

_NOTHING = Template({})


def written_step(step: HandlerStep | Node) -> Fields:
    """Return a step as an object with its kind, its own fields, its ways on and its settings."""
    match step:
        case HandlerStep(kind="ask"):
            return _whole("ask", step, _ask(step), _asking_settings(step))
        case HandlerStep():
            return _whole(step.kind, step, {"text": _value(step.say)}, step.settings)
        case ActionStep():
            return _whole("action", step, {"action": step.action, "input": _input(step.input)}, step.settings)
        case DecisionStep():
            return _whole("decision", step, {}, step.settings)
        case TimerStep():
            times: Fields = {"duration": _millis(step.duration), "until": _value(step.until)}
            return _whole("timer", step, times, step.settings)
        case EventStep():
            return _whole("event", step, _event(step), step.settings)
        case FlowStep():
            return _whole("flow", step, {"flow": step.flow, "input": _input(step.input)}, step.settings)
        case EndStep():
            return _whole("end", step, _end(step), step.settings)
        case Sequence() | Parallel() | Loop():
            return written_group(step)
        case _:
            assert_never(step)


def written_group(group: Group) -> Fields:
    """Return a group as an object with its kind, its own fields, its ways on and its settings."""
    own: Fields = {"steps": list(group.steps)}
    match group:
        case Sequence():
            return _whole("sequential", group, own, group.settings)
        case Parallel():
            own |= {
                "limit": _unless(group.limit, 16),
                "join": _unless(group.join, "all"),
                "need": _unless(group.need, 0),
                "rest": _unless(group.rest, "cancel"),
            }
            return _whole("parallel", group, own, group.settings)
        case Loop():
            own |= {
                "over": _value(group.over),
                "while": group.while_ or None,
                "until": group.until or None,
                "as": group.item or None,
                "limit": _unless(group.limit, 1),
                "maxIterations": _unless(group.max_iterations, 10_000),
                "onItemError": _unless(group.on_item_error, "fail"),
            }
            return _whole("loop", group, own, group.settings)
        case _:
            assert_never(group)


def _whole(kind: str, step: HandlerStep | Node, own: Fields, settings: Settings) -> Fields:
    ways: Fields = {}
    if len(step.outputs) == 1 and step.outputs[0] == Output(step.outputs[0].to, also=step.outputs[0].also):
        ways["to"] = _targets(step.outputs[0])
    elif step.outputs or kind == "decision":
        ways["outputs"] = [_output(output) for output in step.outputs]
    fields: Fields = {"kind": kind, "title": step.title or None, **own, "settings": _settings(settings) or None}
    return _given({**fields, **ways})


def _ask(step: HandlerStep) -> Fields:
    assert step.question is not None
    wait = step.question.wait
    own: Fields = {"say": _value(step.say), **_answers(step, wait)}
    return own | {
        "invalid": wait.retry.text if wait.retry is not None else None,
        "attempts": _unless(wait.attempts, 0),
        "onExhausted": wait.on_exhausted,
        "otherwise": wait.otherwise.text if wait.otherwise is not None else None,
        "who": [{"role": name[5:]} if name.startswith("role:") else name for name in wait.who] or None,
        "remind": [_reminder(reminder) for reminder in wait.remind] or None,
        "gather": words(wait.gather) if wait.gather else None,
    }


def _answers(step: HandlerStep, wait: WaitSpec) -> Fields:
    accepts = wait.accepts
    options = accepts.params.get("options")
    if accepts.answer == "choice" and isinstance(options, list):
        values = [str(pair[1]) for pair in options if isinstance(pair, list)]
        left = iter(values)
        rows = tuple(tuple(Option(label, next(left, label)) for label in row) for row in step.buttons)
        return {"choices": list(written_rows(rows))}
    buttons: Json = None
    if step.buttons != own_buttons(accepts):
        buttons = list(written_rows(tuple(tuple(Option(label, label) for label in row) for row in step.buttons)))
        accepts = replace(accepts, kinds=tuple(kind for kind in accepts.kinds if kind != "press"))
    return {"accepts": None if accepts == DEFAULT_ACCEPTS else written_accepts(accepts), "buttons": buttons}


def _asking_settings(step: HandlerStep) -> Settings:
    assert step.question is not None
    return replace(step.settings, timeout=step.question.wait.timeout)


def _reminder(reminder: Reminder) -> Json:
    if reminder.message is None:
        return words(reminder.after)
    return {"after": words(reminder.after), "text": reminder.message.text}


def _event(step: EventStep) -> Fields:
    return {
        "topic": step.topic or None,
        "webhook": step.webhook or None,
        "poll": None if step.poll is None else _poll(step.poll),
        "match": step.match or None,
        "correlate": _value(step.correlate),
        "lookback": _millis(step.lookback),
    }


def _poll(poll: Poll) -> Json:
    interval = None if poll.interval == 60_000 else words(poll.interval)
    return _given({"action": poll.action, "input": _input(poll.input), "interval": interval})


def _end(step: EndStep) -> Fields:
    return {
        "outcome": _unless(step.outcome, "completed"),
        "output": step.output.value,
        "code": _unless(step.code, "failed"),
        "message": step.message.value or None,
    }


def _output(output: Output) -> Json:
    return _given(
        {
            "name": output.name or None,
            "when": output.when or None,
            "error": list(output.error) or None,
            "to": _targets(output),
        }
    )


def _targets(output: Output) -> Json:
    return [output.to, *output.also] if output.also else output.to


def _settings(settings: Settings) -> Fields:
    return _given(
        {
            "timeout": _millis(settings.timeout),
            "attemptTimeout": _millis(settings.attempt_timeout),
            "idleTimeout": _millis(settings.idle_timeout),
            "retry": None if settings.retry is None else _retry(settings.retry),
            "continueOnError": settings.continue_on_error,
            "atMostOnce": settings.at_most_once or None,
            "idempotencyKey": _value(settings.idempotency_key),
            "concurrency": _unless(settings.concurrency, 0),
            "redact": list(settings.redact) or None,
        }
    )


def _retry(retry: Retry) -> Json:
    return _given(
        {
            "count": retry.count,
            "delay": _unless(words(retry.delay), words(1000)),
            "factor": None if retry.factor == 2 else _number(retry.factor),
            "maxDelay": _unless(words(retry.max_delay), words(60_000)),
            "jitter": None if retry.jitter == 0 else _number(retry.jitter),
            "on": list(retry.on) or None,
            "within": _millis(retry.within),
        }
    )


def _number(value: float) -> Json:
    return int(value) if value.is_integer() else value


def _millis(value: int | None) -> Json:
    return None if value is None else words(value)


def _value(template: Template | None) -> Json:
    return None if template is None else template.value


def _input(template: Template) -> Json:
    return None if template == _NOTHING else template.value


def _unless(value: Json, default: Json) -> Json:
    return None if value == default else value


def _given(fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if value is not None}
