"""Outputs of a step: `outputs: [...]` in full, or `outputs: done` and `to: done` for one default."""

from __future__ import annotations

from collections.abc import Sequence

from turnflow.core.ids import StepName
from turnflow.core.nodes import Output
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.shapes import Condition, Items, JsonSchema, Place, Referred, Text, Texts


def _output(values: Values, place: Place) -> Output | None:
    targets = tuple(StepName(name) for name in values.texts("to"))
    error, when = values.texts("error"), values.text("when")
    if error and when:
        place.findings.add("two_reasons", place.path, "an output has either `when` or `error`; make it two outputs")
    if isinstance(place.node.content, dict) and "to" in place.node.content and not targets:
        place.findings.add("no_target", (*place.path, "to"), "names no step; leave the output out to end the path here")
    if not targets:
        return None
    return Output(targets[0], values.text("name"), error, when, targets[1:])


OUTPUT = Record(
    "an output",
    (
        Field("name", Text(), "Name of the output, for pictures and records."),
        Field(
            "when",
            Condition(),
            "CEL condition; the first output whose condition holds is taken. Without it: the default.",
        ),
        Field("error", Texts(), "Codes of failures that take this output: `http.404`, `http.*`, `timeout`, `*`."),
        Field("to", Texts(), "The step or group that follows; several fork the path.", required=True),
    ),
    _output,
)


class Outputs:
    """All ways on from a step, in the order they are tried."""

    def read(self, place: Place) -> tuple[Output, ...] | None:
        """Return the outputs."""
        content = place.node.content
        if isinstance(content, str):
            return to_one(Texts().read(place) or ())
        if not isinstance(content, list):
            place.wrong("must be a list of outputs, or the name of the one step that follows")
            return None
        found = Items(OUTPUT).read(place) or []
        outputs = tuple(item for item in found if isinstance(item, Output))
        if len(outputs) == len(content):
            _check_names(outputs, place)
        return outputs

    def schema(self) -> JsonSchema:
        """Return the shape as JSON Schema."""
        many = Items(Referred("output", OUTPUT)).schema()
        return {"anyOf": [Text().schema(), many]}


def to_one(targets: Sequence[str]) -> tuple[Output, ...]:
    """Return the one default output that leads to steps."""
    steps = tuple(StepName(name) for name in targets)
    return (Output(steps[0], also=steps[1:]),) if steps else ()


def outputs_of(values: Values, place: Place) -> tuple[Output, ...]:
    """Return what `outputs` or the short form `to` says."""
    outputs = values.get("outputs")
    if "to" in values:
        if outputs is not None:
            place.findings.about_field("said_twice", (*place.path, "to"), "`to` and `outputs` say the same; keep one")
        return to_one(values.texts("to"))
    return outputs if isinstance(outputs, tuple) else ()


def _check_names(outputs: tuple[Output, ...], place: Place) -> None:
    names = [output.name for output in outputs]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            place.findings.add(
                "duplicate_output", (*place.path, index), f"another output is called {name!r}; rename one"
            )
