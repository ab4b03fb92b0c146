"""All of the built-in actions, as a server configures them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from turnflow.actions.builtin.emit import emit
from turnflow.actions.builtin.flow import start_flow
from turnflow.actions.builtin.http import HttpClient, http_actions
from turnflow.actions.builtin.log import log
from turnflow.actions.builtin.transform import transform
from turnflow.actions.outbound.connection import Connection
from turnflow.actions.outbound.policy import HttpPolicy
from turnflow.actions.outbound.target import Resolver, resolve_host
from turnflow.errors import AuthorError
from turnflow.ports import Action


def builtin_actions(
    policy: HttpPolicy | None = None,
    *,
    connections: Iterable[Connection] = (),
    secrets: Collection[str] | None = (),
    resolve: Resolver = resolve_host,
) -> tuple[Action, ...]:
    """Return the built-in actions, for `registry.register_action`.

    `policy`: where requests may go, by default to public addresses over https. `connections`: servers with a name. `secrets`: the
    references flows may use in the input of `http.*`, such as `env:SHOP_TOKEN`; None lets them use any. `resolve`: what finds
    addresses of hosts. Raises `AuthorError` for two connections of one name, or a policy whose `ca_file` cannot be read.
    """
    if isinstance(secrets, str):
        raise AuthorError("secrets is a collection of references, not one text")
    known: dict[str, Connection] = {}
    for connection in connections:
        if connection.name in known:
            raise AuthorError(f"two connections are called {connection.name!r}; rename one")
        known[connection.name] = connection
    policy = policy or HttpPolicy()
    policy.tls()
    client = HttpClient(policy, known, secrets, resolve)
    return (*http_actions(client), log, transform, emit, start_flow)
