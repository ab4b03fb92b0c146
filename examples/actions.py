"""What the documents beside this file call. Actions write into ledger.txt, so that you see what was run, and how often."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from turnflow import action
from turnflow.actions import Connection, HttpPolicy, builtin_actions
from turnflow.core.ids import Json
from turnflow.errors import UserCodeError
from turnflow.ports import Action, ActionContext


def note(context: ActionContext, what: str) -> None:
    """Write a line. A real action would hand `context.key` on instead: it is the same for every attempt at one call."""
    with Path("ledger.txt").open("a", encoding="utf-8") as ledger:
        ledger.write(f"{what}, attempt {context.attempt}\n")


@action(name="orders.price")
async def price(items: list[dict[str, int | str]], context: ActionContext) -> dict[str, int]:
    note(context, "price")
    return {"cents": sum(int(item["cents"]) * int(item["quantity"]) for item in items)}


@action(name="stock.reserve")
async def reserve(item: dict[str, Json], context: ActionContext) -> str:
    if item["sku"] == "unicorn":
        raise UserCodeError("stock.none", "there are no unicorns")
    note(context, f"reserve {item['sku']}")
    return f"shelf of {item['sku']}"


@action(name="payments.authorise")
async def authorise(payment: dict[str, Json], context: ActionContext) -> dict[str, Json]:
    if context.attempt == 1:
        raise UserCodeError("bank.busy", "the bank asks to be called again")
    if payment["card"] == "expired":
        raise UserCodeError("card.expired", "the card has expired")
    note(context, f"authorise {payment['cents']}")
    return {"authorisation": f"{payment['order']}-A"}


@action(name="ledger.note")
async def write(what: dict[str, str], context: ActionContext) -> str:
    note(context, what["line"])
    return what["line"]


class Shelf(BaseHTTPRequestHandler):
    """A catalogue of a thousand articles: `/articles` lists them, `/articles/7` describes one. The 13th is missing."""

    def do_GET(self) -> None:
        number = self.path.removeprefix("/articles").removeprefix("/")
        found: Json = {"sku": number, "cents": int(number) * 10} if number else [f"{n}" for n in range(1, 1001)]
        self.answer({}, 404) if number == "13" else self.answer(found, 200)

    def answer(self, body: Json, status: int) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *values: object) -> None:
        """Be quiet."""


def catalogue() -> Connection:
    """Start the server. Documents know it by name only: after a restart it has another port, and runs go on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    Thread(target=server.serve_forever, daemon=True).start()
    return Connection("catalogue", f"http://127.0.0.1:{server.server_port}")


here = HttpPolicy(allow_http=True, allow_private=["127.0.0.1"])
actions: tuple[Action, ...] = (price, reserve, authorise, write, *builtin_actions(here, connections=[catalogue()]))
