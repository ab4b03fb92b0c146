"""Requests to other servers: where they may go, how they get there, what comes back."""
