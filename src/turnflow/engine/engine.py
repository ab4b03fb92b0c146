"""The embedded engine as host programs and channels see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from turnflow.core.codec import decode_state
from turnflow.core.events import CancelRequested, Event, MoveRequested, OperatorAnswered, RetryRequested
from turnflow.core.ids import ConversationId, InputId, Json, RunId, StepName, UserId
from turnflow.core.progress import Progress, progress_of
from turnflow.core.state import TERMINAL, Ending, Parent, RunState
from turnflow.declarative import params_for
from turnflow.engine import desk
from turnflow.engine.calls import DEPTH_LIMIT
from turnflow.engine.definitions import Definitions
from turnflow.engine.doors import OwnDoor
from turnflow.engine.intake import Intake
from turnflow.engine.mailbox import Item
from turnflow.engine.orders import Orders
from turnflow.engine.payloads import Begin, ForRun, home_of
from turnflow.engine.process import Process
from turnflow.engine.schedules import Schedules
from turnflow.engine.task_book import TaskBook
from turnflow.engine.tasks import Tasks
from turnflow.engine.transcript import read_history
from turnflow.engine.values import encoded_of, fields_of
from turnflow.engine.webhooks import new_token, receive
from turnflow.errors import CallerError, EngineStopped, NestingTooDeep, UnknownRun
from turnflow.ports import Channel, Delivery, Grade, Inbound, RunQuery, Said


class Engine:
    """Runs the flows of one registry on one store. Made by `turnflow.open_engine`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._intake = Intake(process)
        definitions = Definitions(process.store, process.registry)
        book = TaskBook(process.store, definitions, lambda run, step: process.works.progress(run, step))
        orders = Orders(book, definitions, OwnDoor(process), process.clock)
        self._schedules = Schedules(process.store, process.registry)
        self._tasks = Tasks(process.store, definitions, book, orders, process.watchers)

    @property
    def grade(self) -> Grade:
        """What the store survives."""
        return self._process.store.grade

    @property
    def tasks(self) -> Tasks:
        """The runs of the store as tasks: look at them, wait for them, watch them, and tell them what to do."""
        return self._tasks

    @property
    def schedules(self) -> Schedules:
        """The schedules of the registered flows: when each is due, and what it started last."""
        return self._schedules

    # --- input and output --------------------------------------------------------------------------------------

    async def deliver(self, inbound: Inbound) -> Delivery:
        """Route an input, run the turn, return after its commit. A repeated id changes nothing.

        Raises `EngineStopped` while stopping, `LostOwnership` if another process took over: send it again, with the same id.
        """
        return await self._intake.deliver(inbound)

    async def accept(self, inbound: Inbound) -> Delivery:
        """Store an input durably and return; its turn follows. `Handled` means accepted."""
        return await self._intake.accept(inbound)

    async def history(
        self, conversation: ConversationId, after: tuple[int, int] = (0, -1), limit: int = 200
    ) -> list[Said]:
        """Return what was said in a conversation behind a place, oldest first; negative `limit`: the newest lines."""
        return await read_history(self._process, conversation, after, limit)

    def connect(self, channel: Channel) -> None:
        """Deliver replies of conversations with the channel's prefix through it, those that wait already first."""
        self._process.sender.connect(channel)

    def disconnect(self, channel: Channel) -> None:
        """Stop using a channel; further replies wait for it."""
        self._process.sender.disconnect(channel)

    # --- runs --------------------------------------------------------------------------------------------------

    async def start(
        self,
        flow: str,
        data: object = None,
        *,
        params: object = None,
        conversation: str | None = None,
        user: str | None = None,
        parent: str | None = None,
        key: str | None = None,
    ) -> RunId:
        """Start a run of a callable flow and return its id; it does not wait for the run.

        `data`: a mapping, msgspec struct, dataclass or pydantic model with fields of the flow's data. `params`: the same for what
        a flow graph's `paramsSchema` lists. `key`: an idempotency key; the same key of the same flow gives the same run.
        `parent`: a run that is cancelled together with this one's nest.
        Raises `UnknownFlow`, `InvalidValue`, `UnknownRun`.
        """
        process = self._process
        if process.stopping:
            raise EngineStopped("the engine is stopping; start the run again, with the same key, on a running one")
        registration, handlers = process.registry.newest(flow)
        if not registration.callable:
            raise CallerError(f"flow {flow!r} is not callable; register it with register_callable()")
        fields = fields_of(data)
        handlers.initial(fields)
        given = params_for(registration.flow, fields_of(params))
        run = (
            RunId(blake2b(f"{len(flow)}/{flow}/{key}".encode(), digest_size=10).hexdigest())
            if key
            else process.new_run()
        )
        above = await self._parent(run, parent) if parent is not None else None
        place = ConversationId(conversation or "")
        begin = Begin(
            run, registration.flow.name, fields, place, UserId(user or ""), parent=above,
            params=given, attach=above is not None,
        )  # fmt: skip
        if await process.store.seen(InputId(f"start:{run}")):
            return run
        future = process.callers.expect()
        item = Item(begin, InputId(f"start:{run}"), process.clock.now(), future=future)
        process.post(home_of(registration.flow, begin), item)
        await future
        return run

    async def call(
        self, flow: str, data: object = None, *, conversation: str | None = None, user: str | None = None
    ) -> Json:
        """Start a run and wait for its result. Raises `CallerError` saying why, if it fails or is cancelled."""
        ending = await self.finished(await self.start(flow, data, conversation=conversation, user=user))
        if ending.outcome != "completed":
            why = ending.error.message if ending.error is not None else ending.reason
            raise CallerError(f"the run of flow {flow!r} ended {ending.outcome}: {why}")
        return desk.plain(ending.result)

    async def finished(self, run: str) -> Ending:
        """Wait until a run has ended and say how. Raises `UnknownRun`, `EngineStopped` if the engine stops before."""
        callers = self._process.callers
        future = callers.expect_end(RunId(run))
        try:
            state = await self.inspect(run)
            if state.status in TERMINAL and state.ending is not None:
                return state.ending
            return await future
        finally:
            callers.forget_end(RunId(run), future)

    async def inspect(self, run: str) -> RunState:
        """Return the state of a run as of its last commit, ended ones too. Raises `UnknownRun`."""
        rows = await self._process.store.find(RunQuery(run=RunId(run)))
        if not rows:
            raise UnknownRun(f"no run {run!r} is in this store")
        return decode_state(rows[0].state)

    async def progress(self, run: str) -> Progress:
        """Return how far a run's parallel group has come: the innermost open one, else the last one joined."""
        state = await self.inspect(run)
        return progress_of(self._process.flow_of(state), state)

    async def publish(self, topic: str, data: object = None, *, key: str = "", id: str | None = None) -> None:
        """Publish an event durably: runs that wait for it go on, flows that it triggers begin.

        `topic`: dotted words of a-z, 0-9, '_' and '-'. `data`: anything that JSON can carry, at most 256 KiB. `key`: what tells
        this event from others of its topic, for `correlate`. `id`: an event is published once under an id; None makes a new one.
        Raises `InvalidValue`, `EngineStopped` while stopping.
        """
        process = self._process
        if process.stopping:
            raise EngineStopped("the engine is stopping; publish the event again, with the same id, on a running one")
        name = InputId(id if id is not None else process.new_run())
        await process.bus.publish(topic, encoded_of(data), key, id=name)

    async def webhook_token(self, run: str, step: str) -> str:
        """Return a new token for the webhook that a step of a run waits for, now or later; whoever has it may answer once.

        Raises `UnknownRun`, `InvalidValue` if the step waits for none.
        """
        return await new_token(self._process, RunId(run), StepName(step))

    async def webhook(self, token: str, body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        """Hand a message in that came to the address with this token; it counts once.

        `headers` with the signature are those of Standard Webhooks, `secrets` (`whsec_...`) those that may have signed it.
        Raises `WebhookRefused`, `InvalidValue` for a body that is no JSON or too large, `EngineStopped`.
        """
        if self._process.stopping:
            raise EngineStopped("the engine is stopping; send the webhook again to a running one")
        await receive(self._process, token, body, headers, secrets)

    async def cancel(self, run: str, by: str = "host", reason: str = "") -> None:
        """Cancel a run with its children. Raises `UnknownRun`."""
        await self._tell(run, CancelRequested(self._process.clock.now(), by, reason))

    async def answer(self, run: str, text: str, by: str, *, ends: bool = True) -> Delivery:
        """Speak to an escalated run as an operator; with `ends` it goes on afterwards."""
        return await self._tell(run, OperatorAnswered(self._process.clock.now(), UserId(by), text, ends))

    async def move(self, run: str, step: str, by: str) -> Delivery:
        """Put a run onto another step."""
        return await self._tell(run, MoveRequested(self._process.clock.now(), StepName(step), by))

    async def retry(self, run: str, by: str = "host") -> Delivery:
        """Let a stuck run go on."""
        return await self._tell(run, RetryRequested(self._process.clock.now(), by))

    async def settled(self) -> None:
        """Return once nothing is being done and all replies that can be sent have been (slow handlers not counted)."""
        await self._process.quiet()

    async def _tell(self, run: str, event: Event) -> Delivery:
        if self._process.stopping:
            raise EngineStopped("the engine is stopping; tell a running one")
        state = await self.inspect(run)
        future = self._process.callers.expect()
        id = InputId(f"told:{self._process.new_run()}")
        item = Item(ForRun(state.run, event), id, self._process.clock.now(), future=future)
        self._process.post(state.mailbox, item)
        return await future

    async def _parent(self, run: RunId, parent: str) -> Parent:
        state = await self.inspect(parent)
        if state.status in TERMINAL:
            raise CallerError(f"run {parent!r} has ended {state.status}; start the run without a parent")
        depth = state.parent.depth + 1 if state.parent is not None else 1
        if depth > DEPTH_LIMIT:
            raise NestingTooDeep(f"runs may start runs {DEPTH_LIMIT} deep; a child of {parent!r} would be deeper")
        return Parent(state.run, state.mailbox, run, depth, awaited=False)
