"""How a step is executed, as documents say it."""

from __future__ import annotations

from turnflow.core.nodes import Retry, Settings
from turnflow.declarative.records import Field, Record, Values
from turnflow.declarative.shapes import Duration, Flag, Number, Place, Referred, Templated, Texts, Whole


def _retry(values: Values, place: Place) -> Retry:
    return Retry(
        count=values.whole("count"),
        delay=values.whole("delay", 1000),
        factor=values.number("factor", 2.0),
        max_delay=values.whole("maxDelay", 60_000),
        jitter=values.number("jitter", 0.0),
        on=values.texts("on"),
        within=values.millis("within"),
    )


RETRY = Record(
    "retry",
    (
        Field("count", Whole(), "How many further attempts there are.", required=True),
        Field("delay", Duration(0), "Pause before the first further attempt; default 1s."),
        Field("factor", Number(0), "By how much each pause is longer than the one before; default 2."),
        Field("maxDelay", Duration(0), "Longest pause; default 60s."),
        Field("jitter", Number(0, 1), "How far pauses are spread, from 0 (not) to 1; default 0."),
        Field("on", Texts(), "Codes of failures to retry on; default all."),
        Field("within", Duration(), "No attempt starts later than this after the first one."),
    ),
    _retry,
)


def _settings(values: Values, place: Place) -> Settings:
    retry = values.get("retry")
    if "retryCount" in values:
        if retry is not None:
            path = (*place.path, "retryCount")
            place.findings.about_field("said_twice", path, "`retryCount` and `retry` say the same; keep `retry`")
        retry = retry or Retry(values.whole("retryCount"))
    return Settings(
        timeout=values.millis("timeout"),
        attempt_timeout=values.millis("attemptTimeout"),
        retry=retry if isinstance(retry, Retry) else None,
        continue_on_error=values.flag("continueOnError"),
        idle_timeout=values.millis("idleTimeout"),
        at_most_once=values.flag("atMostOnce") or False,
        idempotency_key=values.template("idempotencyKey"),
        concurrency=values.whole("concurrency"),
        redact=values.texts("redact"),
    )


SETTINGS = Record(
    "settings",
    (
        Field(
            "timeout",
            Duration(),
            "Bounds the step with all its retries; of an ask step: how long an answer is waited for.",
        ),
        Field("attemptTimeout", Duration(), "Bounds one attempt."),
        Field("idleTimeout", Duration(), "Of a long-running action: the longest time between two signs of life."),
        Field("retry", Referred("retry", RETRY), "Repetition of a failed step."),
        Field("retryCount", Whole(), "Short for `retry: {count: n}`."),
        Field("continueOnError", Flag(), "Take the default output when the step fails; implied by an error output."),
        Field("atMostOnce", Flag(), "Do not repeat the action when it is unknown whether it ran."),
        Field("idempotencyKey", Templated("text"), "What the action gets as its key instead of run, step and visit."),
        Field("concurrency", Whole(), "Most executions of this step under way in one process; 0: no bound of its own."),
        Field("redact", Texts(), "Names of fields of input and output whose values are not shown to people."),
    ),
    _settings,
)


def settings_of(values: Values) -> Settings:
    """Return what `settings` says."""
    found = values.get("settings")
    return found if isinstance(found, Settings) else Settings()
