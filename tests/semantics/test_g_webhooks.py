"""Section G.7: steps that wait for a webhook, signed as Standard Webhooks has it."""

from __future__ import annotations

import base64

import pytest

from tests.semantics.events import Post, posting, registry_of
from turnflow import Registry, action
from turnflow.core.ids import Json, StepName
from turnflow.engine.signatures import sign, verify
from turnflow.errors import AuthorError, InvalidValue, UnknownRun, WebhookRefused
from turnflow.ports import ActionContext
from turnflow.testing.clock import MORNING

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes, yes!").decode()
BODY = b'{"paid": true}'
FLOW = """
flow: hooked
start: ready
steps:
  ready: {topic: ready, outputs: [{to: wait}]}
  wait: {webhook: true, outputs: [{to: done}]}
  done: {kind: end, output: "${output.data}"}
"""


async def send(
    post: Post, token: str, body: bytes = BODY, *, id: str = "msg_1", by: tuple[str, ...] = (SECRET,), late: int = 0
) -> None:
    now = post.clock.now()
    await post.engine.webhook(token, body, sign(by, id, body, now - late * 1000), [SECRET])
    await post.rest()


async def test_a_webhook_ends_the_wait_that_its_token_is_for(store_url: str) -> None:
    async with posting(registry_of(FLOW), store_url) as post:
        first, second = await post.start("hooked"), await post.start("hooked")
        await post.publish("ready")
        await send(post, await post.engine.webhook_token(second, "wait"))
        assert (await post.status(first), await post.result(second)) == ("waiting", {"paid": True})


async def test_a_webhook_that_comes_before_the_wait_begins_is_found(store_url: str) -> None:
    async with posting(registry_of(FLOW), store_url) as post:
        run = await post.start("hooked")
        await send(post, await post.engine.webhook_token(run, "wait"))
        assert await post.status(run) == "waiting"
        await post.publish("ready")
        assert await post.result(run) == {"paid": True}


async def test_a_token_serves_for_one_message(store_url: str) -> None:
    """A repeat is taken as what it is; another message changes nothing."""
    async with posting(registry_of(FLOW), store_url) as post:
        run = await post.start("hooked")
        token = await post.engine.webhook_token(run, "wait")
        await send(post, token)
        await send(post, token)
        await send(post, token, b'{"paid": false}', id="msg_2")
        assert len(await post.events("webhook.**")) == 1
        await post.publish("ready")
        assert await post.result(run) == {"paid": True}
        with pytest.raises(WebhookRefused):
            await send(post, token, id="msg_3")


async def test_only_a_hash_of_a_token_is_kept(store_url: str) -> None:
    async with posting(registry_of(FLOW), store_url) as post:
        run = await post.start("hooked")
        token = await post.engine.webhook_token(run, "wait")
        assert len(token.partition(".")[2]) >= 43
        assert token != await post.engine.webhook_token(run, "wait")
        rows = await post.store.results((await post.engine.inspect(run)).run, "webhook/")
        assert len(rows) == 2
        assert all(token.partition(".")[2] not in row.key + row.value.decode() for row in rows)


@pytest.mark.parametrize("token", ["", "nobody.x", "%s", "%s.", "%s.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
async def test_a_run_id_is_no_token(store_url: str, token: str) -> None:
    async with posting(registry_of(FLOW), store_url) as post:
        run = await post.start("hooked")
        await post.engine.webhook_token(run, "wait")
        with pytest.raises(WebhookRefused):
            await send(post, token.replace("%s", run))
        assert await post.events("webhook.**") == []


@pytest.mark.parametrize(("by", "late"), [((OTHER,), 0), ((SECRET,), 301), ((SECRET,), -301), ((), 0)])
async def test_a_webhook_that_is_badly_signed_or_out_of_its_time_is_refused(
    store_url: str, by: tuple[str, ...], late: int
) -> None:
    async with posting(registry_of(FLOW), store_url) as post:
        token = await post.engine.webhook_token(await post.start("hooked"), "wait")
        with pytest.raises(WebhookRefused):
            await send(post, token, by=by, late=late)
        assert await post.events("webhook.**") == []
        await send(post, token, by=(OTHER, SECRET), late=299)
        assert len(await post.events("webhook.**")) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"NaN", b'"' + b"x" * 262_144 + b'"'])
async def test_a_webhook_brings_json_of_at_most_256_kib(store_url: str, body: bytes) -> None:
    async with posting(registry_of(FLOW), store_url) as post:
        token = await post.engine.webhook_token(await post.start("hooked"), "wait")
        with pytest.raises(InvalidValue):
            await send(post, token, body)


async def test_tokens_are_made_for_steps_that_wait_for_a_webhook(store_url: str) -> None:
    async with posting(registry_of(FLOW), store_url) as post:
        run = await post.start("hooked")
        for step in ("ready", "nowhere"):
            with pytest.raises(InvalidValue, match="waits for no webhook"):
                await post.engine.webhook_token(run, step)
        with pytest.raises(UnknownRun):
            await post.engine.webhook_token("nobody", "wait")
        await post.engine.cancel(run)
        await post.rest()
        with pytest.raises(InvalidValue, match="has ended"):
            await post.engine.webhook_token(run, "wait")


async def test_an_action_makes_the_token_that_it_hands_out(store_url: str) -> None:
    handed: list[str] = []

    @action(name="order")
    async def order(what: dict[str, str], context: ActionContext) -> None:
        assert context.services is not None
        handed.append(await context.services.webhook_token(StepName("wait")))

    flow = FLOW.replace("start: ready", "start: order").replace(
        "steps:", "steps:\n  order: {action: order, outputs: [{to: wait}]}"
    )
    registry: Registry = registry_of(flow.replace("  ready: {topic: ready, outputs: [{to: wait}]}\n", ""))
    registry.register_action(order)
    async with posting(registry, store_url) as post:
        run = await post.start("hooked")
        await send(post, handed[0])
        result: Json = await post.result(run)
        assert result == {"paid": True}


def test_a_signature_is_that_of_the_specification() -> None:
    """The example of the reference implementations, whose message was signed in 2021."""
    at = 1_614_265_330_000
    headers = sign([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert verify([SECRET], headers, b'{"test": 2432232314}', at) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_secrets_rotate_without_a_gap() -> None:
    old, both, new = (sign(by, "m", BODY, MORNING) for by in ((SECRET,), (SECRET, OTHER), (OTHER,)))
    for headers in (old, both, new):
        assert verify([OTHER, SECRET], headers, BODY, MORNING) == "m"
    assert verify([OTHER], {name.title(): value for name, value in both.items()}, BODY, MORNING) == "m"
    with pytest.raises(WebhookRefused):
        verify([OTHER], old, BODY, MORNING)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "other"}, {"webhook-id": ""}, {"webhook-timestamp": "1767258001"}, {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "\u0661"}, {"webhook-signature": ""}, {"webhook-signature": "v1,"},
        {"webhook-signature": "v2,%s"}, {"webhook-signature": "\u00e4 v1,\u00e4"},
    ],
)  # fmt: skip
def test_whatever_is_changed_about_a_message_it_is_refused(change: dict[str, str]) -> None:
    headers = sign([SECRET], "m", BODY, MORNING)
    valid = headers["webhook-signature"].partition(",")[2]
    headers |= {name: value.replace("%s", valid) for name, value in change.items()}
    with pytest.raises(WebhookRefused):
        verify([SECRET], headers, BODY, MORNING)


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(WebhookRefused):
        verify([SECRET], sign([SECRET], "m", BODY, MORNING), BODY + b" ", MORNING)


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_c2hvcnQ="], ["whsec_not base64!"], [SECRET, "short"]])
def test_a_secret_that_is_none_is_the_authors_mistake(secrets: list[str]) -> None:
    with pytest.raises(AuthorError):
        verify(secrets, sign([SECRET], "m", BODY, MORNING), BODY, MORNING)
