"""A web chat over the scripted runtime, as a process of its own: `python -m tests.channels.server FILE PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from tests.channels.scripted import Scripted
from turnflow.channels.webchat import WebChannel, webchat_app

TOKEN = "a-token-of-more-than-32-characters-for-tests"
COMMANDS = {
    "start": "Sign up in a minute",
    "parts": "Hand in documents, in any order",
    "cancel": "Stop what is going on",
}


def main() -> None:
    file, port = Path(sys.argv[1]), int(sys.argv[2])
    runtime, channel = Scripted(file), WebChannel()
    runtime.connect(channel)
    app = webchat_app(runtime, channel, token=TOKEN, title="Acme Onboarding", commands=COMMANDS, heartbeat=1.0)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
