"""At most one live run per key, also where several conversations belong to one chat."""

from __future__ import annotations

import pytest

from tests.engine.talk import make_registry
from tests.faults.house import house
from turnflow.core.ids import ConversationId
from turnflow.core.inputs import typed
from turnflow.ports import Handled, Inbound


def start_in(thread: str) -> Inbound:
    """Ann's /start in a thread of one chat; each thread is a conversation."""
    return Inbound(ConversationId(f"t:1/{thread}"), typed("/start", id=thread, sender="ann", at=0), "t:1", thread)


@pytest.mark.parametrize("door", ["deliver", "accept"])
async def test_a_flow_that_is_live_in_another_thread_of_the_chat_is_said_to_be_running(door: str) -> None:
    async with house(make_registry()) as home:
        await home.engine.deliver(start_in("a"))
        delivery = await (home.engine.deliver if door == "deliver" else home.engine.accept)(start_in("b"))
        await home.rest()
        assert delivery == Handled((), "already" if door == "deliver" else "")
        assert home.texts("1/a") == ["First?"]
        assert home.texts("1/b") == ["This is already running."]
        assert len(await home.runs()) == 1
        await home.verify()
