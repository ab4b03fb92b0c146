"""Chat with flows on a web page: a channel, and a Litestar app that can be mounted or served on its own."""

from turnflow.channels.webchat.app import webchat_app
from turnflow.channels.webchat.channel import WebChannel

__all__ = ["WebChannel", "webchat_app"]
