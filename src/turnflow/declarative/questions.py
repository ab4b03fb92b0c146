"""Steps that talk: `say`, and `ask` with everything a wait can be told."""

from __future__ import annotations

from typing import cast

from msgspec.structs import replace

from turnflow import answers
from turnflow.core.definition import Accepts, HandlerStep, Question, Reminder, WaitSpec
from turnflow.core.ids import StepName
from turnflow.core.messages import Message
from turnflow.core.nodes import Template
from turnflow.declarative.accepting import AcceptsShape
from turnflow.declarative.choices import Choices, Rows
from turnflow.declarative.edges import outputs_of
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.settings import settings_of
from turnflow.declarative.shapes import Duration, Items, JsonSchema, Place, Templated, Text, Whole
from turnflow.errors import AuthorError


class ReminderShape:
    """One reminder."""

    def read(self, place: Place) -> Reminder | None:
        """Return the reminder."""
        if isinstance(place.node.content, dict):
            found = REMINDER.read(place)
            return found if isinstance(found, Reminder) else None
        after = Duration().read(place)
        return None if after is None else Reminder(after)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return {"anyOf": [Duration().schema(), REMINDER.schema()]}


class Reminders:
    """When a question is repeated, or something else is said: `[10m, {after: 1h, text: ...}]`."""

    def read(self, place: Place) -> tuple[Reminder, ...] | None:
        """Return the reminders."""
        found = Items(ReminderShape()).read(place)
        return None if found is None else tuple(item for item in found if isinstance(item, Reminder))

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        return Items(ReminderShape()).schema()


class Who:
    """Who may answer besides the run's own person: ids, `{role: name}`, `anyone`; one, or a list."""

    def read(self, place: Place) -> tuple[str, ...] | None:
        """Return them as the core writes them."""
        content = place.node.content
        if not isinstance(content, list):
            one = self._one(place)
            return None if one is None else (one,)
        found = [self._one(place.inner(index)) for index in range(len(content))]
        return tuple(name for name in found if name is not None)

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        one: JsonSchema = {"anyOf": [Text().schema(), _ROLE.schema()]}
        return {"anyOf": [Text().schema(), _ROLE.schema(), {"type": "array", "items": one}]}

    def _one(self, place: Place) -> str | None:
        if not isinstance(place.node.content, dict):
            return Text("a person's id, {role: name} or anyone").read(place)
        values = _ROLE.read(place)
        role = values.text("role") if isinstance(values, Values) else ""
        return f"role:{role}" if role else None


DEFAULT_ACCEPTS = answers.text()
"""What an ask step takes that says nothing about it."""


def _reminder(values: Values, place: Place) -> Reminder:
    text = values.text("text")
    return Reminder(values.whole("after", 1), Message(text) if text else None)


_ROLE = Record("who", (Field("role", Text(), "A role, given to participants or by the engine.", required=True),))
REMINDER = Record(
    "a reminder",
    (
        Field("after", Duration(), "When, from the question on.", required=True),
        Field("text", Text(), "What is said; without it the question is repeated."),
    ),
    _reminder,
)

SAY = (Field("text", Templated("text"), "What is said; may hold `${...}`.", required=True),)
ASK = (
    Field("say", Templated("text"), "The question; may hold `${...}`.", required=True),
    Field("choices", Choices(), "The answers there are, each a button; lists make rows of buttons."),
    Field("accepts", AcceptsShape(), "The kind of answer, with its parameters; default text."),
    Field("buttons", Choices(plain=True), "Suggested answers as buttons, while other answers are taken too."),
    Field("invalid", Text(), "Said when an answer does not fit; `{reason}` in it stands for the reason."),
    Field("attempts", Whole(1), "How many answers that do not fit are allowed; default any number."),
    Field("onExhausted", Text("a step's name"), "The step that follows after that many."),
    Field("otherwise", Text(), "Said to what is no answer of that sort at all; the wait stays."),
    Field("who", Who(), "Who may answer besides the run's own person."),
    Field("remind", Reminders(), "Reminders while the answer is waited for."),
    Field("gather", Duration(), "Take everything that comes within this time as one answer."),
)


def say_step(name: str, values: Values, place: Place) -> HandlerStep:
    """Return a step that says something and goes on."""
    return HandlerStep(
        StepName(name),
        values.text("title"),
        outputs=outputs_of(values, place),
        declared=True,
        settings=settings_of(values),
        kind="say",
        say=values.template("text") or Template(""),
    )


def ask_step(name: str, values: Values, place: Place) -> HandlerStep:
    """Return a step that asks something and waits for the answer."""
    settings = settings_of(values)
    accepts, buttons = _accepted(values, place)
    exhausted = values.text("onExhausted")
    invalid, otherwise = values.text("invalid"), values.text("otherwise")
    reminders = values.get("remind")
    wait = WaitSpec(
        accepts=accepts,
        timeout=settings.timeout,
        remind=reminders if isinstance(reminders, tuple) else (),
        retry=Message(invalid) if invalid else None,
        attempts=values.whole("attempts"),
        on_exhausted=StepName(exhausted) if exhausted else None,
        otherwise=Message(otherwise) if otherwise else None,
        who=values.texts("who"),
        gather=values.whole("gather"),
    )
    return HandlerStep(
        StepName(name),
        values.text("title"),
        Question(wait),
        outputs_of(values, place),
        declared=True,
        settings=replace(settings, timeout=None),
        kind="ask",
        say=values.template("say") or Template(""),
        buttons=buttons,
    )


def _accepted(values: Values, place: Place) -> tuple[Accepts, tuple[tuple[str, ...], ...]]:
    """Return what the wait takes, and labels in rows."""
    choices, own = _rows(values, "choices"), values.get("accepts")
    accepts = own if isinstance(own, Accepts) else DEFAULT_ACCEPTS
    if not choices:
        buttons = tuple(tuple(option.label for option in row) for row in _rows(values, "buttons"))
        if not buttons:
            return accepts, own_buttons(accepts)
        return replace(accepts, kinds=(*(kind for kind in accepts.kinds if kind != "press"), "press")), buttons
    for other in ("accepts", "buttons"):
        if other in values:
            message = f"`choices` says what is accepted; leave {other!r} out, or `choices`"
            place.findings.about_field("said_twice", (*place.path, other), message)
    options = [option for row in choices for option in row]
    if len({option.label for option in options}) < len(options):
        place.findings.add("duplicate_choice", (*place.path, "choices"), "two buttons say the same; reword one of them")
    try:
        accepts = answers.choice(*((option.label, option.value) for option in options))
    except AuthorError as error:
        place.findings.add("bad_accepts", (*place.path, "choices"), str(error))
    return accepts, tuple(tuple(option.label for option in row) for row in choices)


def own_buttons(accepts: Accepts) -> tuple[tuple[str, ...], ...]:
    """Return the buttons that a kind of answer brings along: those of yes and no."""
    if accepts.answer != "yes_no":
        return ()
    return ((str(accepts.params.get("yes", "Yes")), str(accepts.params.get("no", "No"))),)


def _rows(values: Values, name: str) -> Rows:
    return cast(Rows, values.get(name, ()))
