"""From one `@flow.step(...)` to a step of the definition and its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from msgspec.structs import replace

from turnflow import answers
from turnflow.authoring.findings import Findings
from turnflow.authoring.handlers import StepCode, wrapped
from turnflow.authoring.messages import options_as_rows, with_rows
from turnflow.authoring.options import StepOptions, StepWritten, Written
from turnflow.authoring.signatures import MISSING, Invoke, Signature, name_of
from turnflow.authoring.triggers import accepts_of
from turnflow.authoring.waits import complaints_about, timeout_of
from turnflow.core.definition import (
    Accepts,
    HandlerStep,
    Output,
    Question,
    Reminder,
    Settings,
    Timeout,
    WaitSpec,
)
from turnflow.core.ids import StepName
from turnflow.core.messages import Message
from turnflow.errors import AuthorError


class BuiltStep(NamedTuple):
    """A step with its code and its own options for waits."""

    step: HandlerStep
    code: StepCode
    wait: WaitSpec


class StepBuilder:
    """Builds one step; problems go to the findings."""

    def __init__(self, written: StepWritten, name: StepName, findings: Findings, *, flow_timeout: bool) -> None:
        self._written = written
        self._options: StepOptions = written.options
        self._name = name
        self._findings = findings
        self._flow_timeout = flow_timeout
        self._path = f"steps.{name}"
        self._code = StepCode()

    def build(self, middleware: Sequence[Invoke]) -> BuiltStep:
        """Return the step, with its handler inside the middleware."""
        options, findings = self._options, self._findings
        handler = findings.signature(self._written.handler, "answer", self._path, asynchronous=True)
        self._code.call = wrapped(handler.invoke, middleware)
        self._code.name = name_of(self._written.handler.code)
        self._code.annotation = None if handler.special is MISSING else handler.special
        wait = self._wait(self._accepts(handler))
        question = None if options.ask is None else self._question(wait)
        if question is None:
            self._check_two_phases(handler, wait)
        step = HandlerStep(
            self._name,
            title=options.title,
            question=question,
            outputs=(*self._error_outputs(), *self._ways()),
            declared=options.to is not None,
            routing=options.routing,
            settings=self._settings(),
        )
        return BuiltStep(step, self._code, wait if question is None else question.wait)

    # --- the question --------------------------------------------------------------------------------------------

    def _accepts(self, handler: Signature) -> Accepts:
        wanted, path = self._options.accepts, f"{self._path}.accepts"
        if wanted is not None:
            accepts = accepts_of(wanted)
            if accepts is None:
                self._add(
                    "bad_accepts", path, "a callback trigger is bound to no wait; give the question buttons instead"
                )
            elif accepts.filter and accepts.filter not in self._findings.filters:
                self._add("unknown_filter", path, f"register it with @flow.filter({accepts.filter!r})")
            return accepts or answers.any_input()
        if handler.special is MISSING and self._options.ask is not None:
            self._add("untyped_answer", self._path, "say what the answer is, for instance `answer: str`")
        if handler.special is None or handler.special is MISSING:
            return answers.any_input()
        derived = answers.accepts_for(handler.special)
        if derived is None:
            self._add(
                "bad_answer", self._path, f"no answer can become {handler.special}; give accepts= or another type"
            )
        return derived or answers.any_input()

    def _question(self, wait: WaitSpec) -> Question:
        ask, code, path = self._options.ask, self._code, f"{self._path}.ask"
        if self._options.routing:
            self._add("routing_question", path, "a routing step decides without a question; leave out ask= or routing=")
        if wait.timeout is None and self._options.on_timeout is not None and self._options.timeout is None:
            self._add("timeout_missing", f"{self._path}.on_timeout", "never happens: say timeout= as well")
        try:
            code.parse = answers.parser_for(code.annotation, wait.accepts)
            code.rows = options_as_rows(answers.options_for(code.annotation, wait.accepts))
        except AuthorError as error:
            self._add("bad_answer", self._path, str(error))
        message: Message | None = None
        if callable(ask):
            code.ask = self._reply(ask, "", "ask")
        else:
            message = self._findings.message(ask, path)
            message = None if message is None else with_rows(message, code.rows)
        if (message is None or message.buttons) and not {"press", "any"} & set(wait.accepts.kinds):
            wait = replace(wait, accepts=replace(wait.accepts, kinds=(*wait.accepts.kinds, "press")))
        return Question(wait, message)

    def _check_two_phases(self, handler: Signature, wait: WaitSpec) -> None:
        if handler.special is not None and not handler.optional:
            message = "entered without an answer; add ask=, or let it be None: `answer: ... | None`"
            self._add("answer_without_ask", self._path, message)
        for code, option, message in complaints_about(wait):
            self._add(code, f"{self._path}.{option}", message)

    # --- the wait ------------------------------------------------------------------------------------------------

    def _wait(self, accepts: Accepts) -> WaitSpec:
        options, code, findings = self._options, self._code, self._findings
        code.retry = self._reply(options.retry, "reason", "retry")
        code.otherwise = self._reply(options.otherwise, "", "otherwise")
        if options.attempts < 0:
            self._add("bad_attempts", f"{self._path}.attempts", "attempts= must not be negative")
        on_exhausted = None
        if options.on_exhausted is not None:
            on_exhausted = findings.target(options.on_exhausted, f"{self._path}.on_exhausted")
        return WaitSpec(
            accepts=accepts,
            timeout=findings.millis(options.timeout, f"{self._path}.timeout"),
            on_timeout=self._timeout(),
            remind=tuple(self._reminders()),
            retry=None if code.retry else findings.message(options.retry, f"{self._path}.retry"),
            retry_handler=code.retry is not None,
            attempts=options.attempts,
            on_exhausted=on_exhausted,
            otherwise=None if code.otherwise else findings.message(options.otherwise, f"{self._path}.otherwise"),
            otherwise_handler=code.otherwise is not None,
            who=tuple(options.who),
            gather=findings.millis(options.gather, f"{self._path}.gather") or 0,
        )

    def _timeout(self) -> Timeout:
        wanted, path = self._options.on_timeout, f"{self._path}.on_timeout"
        if wanted is None:
            return Timeout(then="handler") if self._flow_timeout else Timeout()
        if callable(wanted) and not isinstance(wanted, Enum):
            written = Written(wanted, self._written.handler.around)
            self._code.on_timeout = self._findings.signature(written, "label", path, asynchronous=True).invoke
            return Timeout(then="handler")
        found = timeout_of(wanted, lambda step: self._findings.target(step, path) or StepName(""))
        return found if found is not None and found.to != "" else Timeout()

    def _reminders(self) -> list[Reminder]:
        found = []
        for index, item in enumerate(self._options.remind):
            path = f"{self._path}.remind[{index}]"
            after, said = item if isinstance(item, tuple) else (item, None)
            duration = self._findings.millis(after, path)
            if duration is not None:
                found.append(Reminder(duration, self._findings.message(said, path)))
        return found

    def _reply(self, written: object, special: str, option: str) -> Invoke | None:
        if not callable(written):
            return None
        around = self._written.handler.around
        return self._findings.signature(Written(written, around), special, f"{self._path}.{option}").invoke

    # --- ways on and settings ------------------------------------------------------------------------------------

    def _ways(self) -> list[Output]:
        targets = [self._findings.target(step, f"{self._path}.to") for step in self._options.to or ()]
        return [Output(target) for target in targets if target is not None]

    def _error_outputs(self) -> list[Output]:
        wanted, path = self._options.on_error, f"{self._path}.on_error"
        if wanted is None:
            return []
        by_code: Mapping[str, object] = wanted if isinstance(wanted, Mapping) else {"*": wanted}
        found = {code: self._findings.target(step, path) for code, step in by_code.items()}
        return [Output(target, error=(code,)) for code, target in found.items() if target is not None]

    def _settings(self) -> Settings:
        options, findings = self._options, self._findings
        return Settings(
            timeout=findings.millis(options.handler_timeout, f"{self._path}.handler_timeout"),
            attempt_timeout=findings.millis(options.attempt_timeout, f"{self._path}.attempt_timeout"),
            retry=None if options.retries is None else options.retries.defined(),
            continue_on_error=options.continue_on_error,
        )

    def _add(self, code: str, path: str, message: str) -> None:
        self._findings.add(code, path, message)
