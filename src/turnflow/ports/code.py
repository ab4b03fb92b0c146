"""User code as the engine sees it: the handlers of a flow, actions, and what both may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Raw

from turnflow.core.definition import Flow, Template, WaitSpec
from turnflow.core.directives import Directive
from turnflow.core.effects import RunHandler
from turnflow.core.ids import At, ConversationId, CursorId, FlowName, Json, RunId, StepName, UserId
from turnflow.core.inputs import Input
from turnflow.core.messages import Message
from turnflow.core.state import Failure, RunState


class Answer(NamedTuple):
    """What one run of user code came to."""

    directive: Directive
    says: tuple[Message, ...] = ()
    patch: Mapping[str, Raw] = {}
    scene: Raw | None = None


class Services(Protocol):
    """What user code may ask of the engine while it runs."""

    @property
    def resources(self) -> Mapping[type, object]:
        """Objects handlers receive by annotation."""

    def now(self) -> At:
        """Return the time of the turn."""

    async def call_action(self, name: str, argument: bytes) -> bytes:
        """Run a registered action once for this place of this handler call and return its JSON result.

        The result is durable before it is returned and handed back if the handler runs again. Raises `UserCodeError` if it fails.
        """

    async def render(self, template: Template, cursor: CursorId) -> Json:
        """Evaluate a template of a flow graph as the place of a cursor sees it. Raises `UserCodeError` (`expression`)."""

    async def start(
        self, flow: FlowName, data: Mapping[str, Raw], conversation: ConversationId | None, user: UserId | None
    ) -> RunId:
        """Start a child run that is not waited for."""

    def report(self, failure: Failure) -> None:
        """Note a failure that changes nothing, for instance of a hook."""


class Handlers(Protocol):
    """The code of one flow version, behind its definition. `run` may raise anything: it becomes a `HandlerFailed`."""

    @property
    def definition(self) -> Flow:
        """The flow the code belongs to."""

    @property
    def wants(self) -> frozenset[type]:
        """Argument types that must be among the resources."""

    async def run(self, call: RunHandler, state: RunState, services: Services) -> Answer:
        """Run the user code that `call.owed` names and return its answer."""

    def fits(self, step: StepName, spec: WaitSpec, input: Input) -> bool:
        """Tell whether an answer to a wait would parse; used only to choose between parallel branches."""

    def matches(self, filter: str, input: Input) -> bool:
        """Evaluate a predicate of the author."""

    def initial(self, given: Mapping[str, Raw]) -> dict[str, Raw]:
        """Return complete data for a new run: `given` over the defaults. Raises `InvalidValue` naming the field."""

    def decodes(self, data: Mapping[str, Raw]) -> str | None:
        """Return None if stored data fits the data type, else why not."""

    def migrate(self, version: int, data: Mapping[str, Raw]) -> Migration | None:
        """Carry data of an older version over, or return None if no chain of migrations leads here."""


class Migration(NamedTuple):
    """What a chain of migrations made of a run."""

    data: dict[str, Raw]
    steps: dict[StepName, StepName]


ActionKind: TypeAlias = Literal["sync", "long_run", "stream", "event"]


class Action(Protocol):
    """A registered callable unit."""

    @property
    def name(self) -> str:
        """Its name in the registry."""

    @property
    def kind(self) -> ActionKind:
        """sync: bounded in time; long_run: bounded by `idle_timeout` between heartbeats; stream: its output comes in parts;
        event: it ends with an event from outside.
        """

    async def __call__(self, argument: bytes, context: ActionContext) -> bytes:
        """Decode the JSON argument, run, return the JSON result."""


class ActionServices(Protocol):
    """What an action may ask of the engine while it runs."""

    async def call_action(self, name: str, argument: bytes) -> bytes:
        """Run another action as a part of this call, recorded once under its own key. Raises `UserCodeError` if it fails."""

    async def start(self, flow: FlowName, data: Mapping[str, Raw], params: Mapping[str, Raw]) -> RunId:
        """Start a run below the run that called, without waiting for it; the same call starts the same run."""

    async def publish(self, topic: str, payload: bytes, key: str = "") -> None:
        """Publish an event durably, once for this place of the call. `key` is its correlation key."""

    async def webhook_token(self, step: StepName) -> str:
        """Return a new token for the webhook that a step of the run waits for, now or later."""

    def heartbeat(self) -> None:
        """Show that the action is alive."""

    def progress(self, done: float, note: str = "") -> None:
        """Tell watchers how far it has come (0..1); also a heartbeat."""

    def partial(self, chunk: bytes) -> None:
        """Hand watchers a part of the output (JSON); also a heartbeat."""


class ActionContext(NamedTuple):
    """What an action knows about its call."""

    run: RunId
    key: str
    """Idempotency key: the same for every attempt of the same call."""
    attempt: int
    resources: Mapping[type, object]
    step: StepName = StepName("")
    services: ActionServices | None = None
    """None where there is no engine, as in a direct call."""
