"""What tests of flows, stores and channels need; shipped, because flows are tested where they are written.

`Rehearsal` plays people against flows on the real engine, `rehearse` plays transcripts, `check` finds broken promises in a
store, and `StoreContract` is what a store has to keep. Nothing here needs a particular test framework.
"""

from turnflow.testing.bot import RecordedBot
from turnflow.testing.clock import FakeClock
from turnflow.testing.invariants import InvariantsBroken, Witness, check, definitions_of
from turnflow.testing.people import Operator, Person
from turnflow.testing.player import Strain, follow, rehearse, transcribe
from turnflow.testing.rehearsal import Rehearsal
from turnflow.testing.report import Report
from turnflow.testing.store_contract import StoreContract
from turnflow.testing.transcript import TranscriptError

__all__ = [
    "FakeClock",
    "InvariantsBroken",
    "Operator",
    "Person",
    "RecordedBot",
    "Rehearsal",
    "Report",
    "StoreContract",
    "Strain",
    "TranscriptError",
    "Witness",
    "check",
    "definitions_of",
    "follow",
    "rehearse",
    "transcribe",
]
