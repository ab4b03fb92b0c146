"""Holds the rows of a store against what its journals say, and against what channels got."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from turnflow.core.codec import encode_state
from turnflow.core.ids import RunId
from turnflow.core.state import TERMINAL, RunState
from turnflow.engine.payloads import Begin
from turnflow.engine.schedules import is_schedule
from turnflow.engine.texts import Texts
from turnflow.testing.evidence import Evidence, Told, announced
from turnflow.testing.findings import Report, Violation, Witness
from turnflow.testing.retelling import Deployments, Retold, retell

HALTED: Final = frozenset({"blocked", "stuck", "paused"})


class Judge:
    """One examination; each method looks at one family of invariants and notes what is wrong in `report`."""

    def __init__(self, evidence: Evidence, deployments: Deployments, witness: Witness, texts: Texts) -> None:
        self.evidence = evidence
        self.deployments = deployments
        self.witness = witness
        self.texts = texts
        self.report = Report()
        self.told: dict[RunId, Retold] = {}

    def complain(self, invariant: str, place: str, detail: str) -> None:
        """Note a violation."""
        self.report.violations.append(Violation(invariant, place, detail))

    # --- runs --------------------------------------------------------------------------------------------------

    def runs(self) -> None:
        """Each run alone: revisions, replay, columns, timers; and one live run per key."""
        keys: dict[str, RunId] = {}
        for run, told in self.evidence.runs.items():
            self.report.runs += 1
            self.report.ended += told.record.status in TERMINAL
            self.report.commits += len(told.rows)
            if told.record.live_key:
                other = keys.setdefault(told.record.live_key, run)
                if other != run:
                    self.complain(
                        "one live run per key", f"runs {other} and {run}", f"both hold {told.record.live_key!r}"
                    )
            if run not in self.witness.damaged:
                self._run(run, told)
        self.report.live = self.report.runs - self.report.ended
        self.report.timers = len(self.evidence.timers)
        self.report.results = len(self.evidence.results)
        for run, timer in self.evidence.timers:
            if run not in self.evidence.runs and not is_schedule(run):
                self.complain("stored timers = timers of live runs", f"run {run}", f"timer {timer} belongs to no run")

    def _run(self, run: RunId, told: Told) -> None:
        place = f"run {run} of flow {told.record.flow!r}"
        if told.revisions != tuple(range(1, told.record.revision + 1)):
            detail = f"the run is at {told.record.revision}, its journal has {list(told.revisions)[:20]}"
            self.complain("revisions gapless, one per commit", place, detail)
        if told.state is None or told.entries is None:
            self.complain("rows can be read", place, "its state or its journal cannot be decoded")
            return
        if [entry.revision for entry in told.entries] != list(told.revisions):
            self.complain("revisions gapless, one per commit", place, "entries name other revisions than their rows")
        retold = self.told[run] = retell(
            run, told.entries, self.deployments, self.evidence.pinned, self.texts, self.complain, told.record.state
        )
        self.report.transitions += retold.transitions
        self.report.fired += retold.fired
        self.report.joins += retold.joined
        if retold.state != told.state or encode_state(retold.state) != told.record.state:
            self.complain("state = replay(journal)", place, _difference(told.state, retold.state))
        self._columns(place, told, told.state)
        self._timers(run, place, told.state, retold)

    def _columns(self, place: str, told: Told, state: RunState) -> None:
        record = told.record
        live = state.status not in TERMINAL
        if (record.status, record.revision, record.mailbox) != (state.status, state.revision, state.mailbox):
            self.complain("state = replay(journal)", place, f"its columns say {record.status}")
        if not live and state.ending is None:
            self.complain("one terminal state", place, f"{state.status} without an ending")
        if not live and (record.live_key or state.timers or state.inflight):
            self.complain("one terminal state", place, "an ended run still holds a key, timers or a call")
        if live and state.exclusive and state.key and not record.live_key:
            self.complain("one live run per key", place, "a live exclusive run holds no key")

    def _timers(self, run: RunId, place: str, state: RunState, retold: Retold) -> None:
        stored = {timer: due for (owner, timer), due in self.evidence.timers.items() if owner == run}
        if stored != retold.armed:
            detail = f"stored {stored}, but the journal set {retold.armed}"
            self.complain("timers fired or cleared once", place, detail)
        own = {timer.id: timer.due for timer in state.timers}
        if state.status in HALTED:
            own = {
                timer: due for timer, due in own.items() if timer in stored
            }  # what fired meanwhile is set again later
        if stored != own:
            self.complain("stored timers = timers of live runs", place, f"stored {stored}, in the state {own}")

    # --- inputs ------------------------------------------------------------------------------------------------

    def inputs(self) -> None:
        """Each accepted id was consumed once, in the order of acceptance."""
        consumers: dict[str, list[RunId]] = defaultdict(list)
        for run, retold in self.told.items():
            for input in retold.inputs:
                consumers[input.id].append(run)
        self.report.inputs = len(consumers)
        for id, runs in consumers.items():
            if len(runs) > 1:
                self.complain("each accepted id consumed at most once", f"input {id}", f"consumed by {runs}")
        for id in self.witness.consumed:
            if not consumers.get(id):
                self.complain("each accepted id consumed once", f"input {id}", "no run has consumed it")
        self._order()

    def _order(self) -> None:
        """Each run consumed its inputs in the order in which its mailbox accepted them."""
        seqs: dict[tuple[str, str], int] = {}
        repeated = [id for id, count in Counter(arrival.id for arrival in self.evidence.arrivals).items() if count > 1]
        for id in repeated:
            self.complain(
                "each accepted id consumed at most once", f"entry {id}", "it stands in the inbox more than once"
            )
        for arrival in self.evidence.arrivals:
            if arrival.input is not None:
                seqs[arrival.mailbox, arrival.input.id] = arrival.seq
        for run, retold in self.told.items():
            mailbox = self.evidence.runs[run].record.mailbox
            last, last_id = 0, ""
            for input in retold.inputs:
                seq = seqs.get((mailbox, input.id))
                if seq is None:
                    self.complain(
                        "no input from nowhere", f"run {run}", f"input {input.id} is in no inbox of {mailbox}"
                    )
                    continue
                if seq <= last:
                    detail = f"{last_id} (accepted as {last}) was consumed before {input.id} (accepted as {seq})"
                    self.complain("order of consumption = order of acceptance", f"run {run}", detail)
                last, last_id = seq, input.id

    # --- parents and children ----------------------------------------------------------------------------------

    def families(self) -> None:
        """No child is lost, none ends twice."""
        begun = {arrival.payload.run for arrival in self.evidence.arrivals if isinstance(arrival.payload, Begin)}
        for run, retold in self.told.items():
            twice = [child for child, count in Counter(retold.returned).items() if count > 1]
            if twice:
                self.complain("a child ends once", f"run {run}", f"it took note of the end of {twice} more than once")
            if retold.state.status in TERMINAL or not self.witness.at_rest:
                continue
            for child in retold.state.children:
                row = self.evidence.runs.get(child.run)
                if row is None and child.run not in begun:
                    self.complain("no child is lost", f"run {run}", f"its child {child.run} does not exist")
                elif (
                    row is not None
                    and row.record.status in TERMINAL
                    and not (child.ended or announced(self.evidence, run))
                ):
                    self.complain("no child is lost", f"run {run}", f"its child {child.run} has ended unnoticed")

    # --- rest --------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """At rest nothing is running, nothing waits, nothing is overdue."""
        if not self.witness.at_rest:
            return
        for run, told in self.evidence.runs.items():
            if told.record.status == "running":
                self.complain("at rest nothing is running", f"run {run}", "no handler will ever answer it")
        for mailbox, entries in self.evidence.waiting.items():
            left = [entry.id for entry in entries if entry.id not in self.witness.kept]
            if left:
                self.complain("at rest nothing waits", f"mailbox {mailbox}", f"accepted and not consumed: {left[:10]}")
        now = self.witness.now
        for (run, timer), due in self.evidence.timers.items():
            if now is not None and due <= now:
                self.complain("timers are never lost", f"run {run}", f"timer {timer} was due {now - due} ms ago")

    def memory(self) -> None:
        """What was written earlier is still there as it was."""
        before = self.witness.before
        if before is None:
            return
        for place, value in before.results.items():
            if self.evidence.results.get(place) != value:
                self.complain(
                    "recorded results never change", f"run {place[0]}", f"result {place[1]} is another one now"
                )
        for run, rows in before.journal.items():
            now = self.evidence.runs.get(run)
            if now is None or now.rows[: len(rows)] != rows:
                self.complain("the journal only grows", f"run {run}", "what was written has changed")
        for run, row in before.ended.items():
            if self.evidence.runs[run].record.state != row:
                self.complain("one terminal state", f"run {run}", "it changed after its end")


def _difference(stored: RunState, retold: RunState) -> str:
    names = [name for name in stored.__struct_fields__ if getattr(stored, name) != getattr(retold, name)]
    parts = [
        f"{name}: stored {getattr(stored, name)!r:.300}, replayed {getattr(retold, name)!r:.300}" for name in names
    ]
    return "; ".join(parts) or "equal values, but other bytes"
