"""Channels: what carries inputs and replies between people and a runtime. One package each; none knows another."""
