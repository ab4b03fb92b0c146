"""The pure heart: definitions, state, events, effects and the machine. No I/O, clock, randomness or user code."""
