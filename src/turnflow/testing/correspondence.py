"""Replies: what journals say, what stands in the outbox, and what channels got."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

from turnflow.core.ids import ConversationId, EffectKey, RunId
from turnflow.engine.effects import ROLE_PREFIX
from turnflow.engine.payloads import decode_reply
from turnflow.errors import UndecodableRow
from turnflow.ports import Line, Outbound
from turnflow.testing.evidence import spoken_for
from turnflow.testing.judge import Judge

OWN_WORDS: Final = ("press:", "already:", "stuck:", "failed:")
"""Keys of replies that belong to an input and to no run: a dead button, a flow that runs already, a run that cannot be read."""


def judge_replies(judge: Judge) -> None:
    """Each reply in the journal has one row, and no row lacks a transition."""
    rows: dict[EffectKey, list[tuple[ConversationId, Line]]] = defaultdict(list)
    for conversation, line in judge.evidence.replies:
        rows[EffectKey(line.id)].append((conversation, line))
    judge.report.replies = len(judge.evidence.replies)
    judge.report.doubtful = sum(line.doubtful for _, line in judge.evidence.replies)
    on_their_way = spoken_for(judge.evidence)
    expected: set[EffectKey] = set()
    for run, retold in judge.told.items():
        expected |= retold.said.keys()
        for key, role in retold.said.items():
            _reply(judge, run, key, role, rows.get(key, []), key in on_their_way)
    known = {arrival.input.id for arrival in judge.evidence.arrivals if arrival.input is not None}
    for key, found in rows.items():
        conversation, line = found[0]
        if len(found) > 1 and key not in expected:
            judge.complain("one outbox row per reply", f"conversation {conversation}", f"{key} has {len(found)} rows")
        if key in expected or key.partition(":")[0] in judge.witness.damaged:
            continue
        owner = next((key.removeprefix(prefix) for prefix in OWN_WORDS if key.startswith(prefix)), None)
        if owner not in known:
            detail = f"row {key} at {line.seq}.{line.index} belongs to no transition and to no input"
            judge.complain("no row without a transition", f"conversation {conversation}", detail)


def _reply(
    judge: Judge, run: RunId, key: EffectKey, role: str, rows: list[tuple[ConversationId, Line]], on_its_way: bool
) -> None:
    state = judge.told[run].state
    if not role and not state.conversation:
        return  # a run without conversation has nobody to say it to
    if len(rows) + on_its_way != 1:
        detail = f"the journal says {key} once; there are {len(rows)} rows, {int(on_its_way)} on their way"
        judge.complain("one outbox row per reply", f"run {run}", detail)
    for conversation, _ in rows:
        if role and conversation != ROLE_PREFIX + role:
            judge.complain(
                "one outbox row per reply", f"run {run}", f"{key} is for {role}, but stands in {conversation}"
            )
        elif not role and conversation != state.conversation and state.key_policy != "user":
            judge.complain("one outbox row per reply", f"run {run}", f"{key} stands in {conversation}")


def judge_copies(judge: Judge) -> None:
    """What channels got is on record, came in order, and came twice only where that is marked."""
    rows = {EffectKey(line.id): (conversation, line) for conversation, line in judge.evidence.replies}
    seen: dict[EffectKey, int] = Counter(outbound.key for outbound in judge.witness.sent)
    last: dict[ConversationId, tuple[int, int]] = {}
    first: set[EffectKey] = set()
    for outbound in judge.witness.sent:
        found = rows.get(outbound.key)
        place = f"conversation {outbound.conversation}"
        if found is None:
            judge.complain(
                "nothing leaves before its commit", place, f"the channel got {outbound.key}, which has no row"
            )
            continue
        _same(judge, place, outbound, *found)
        if outbound.key not in first:
            first.add(outbound.key)
            here = (outbound.seq, outbound.index)
            if here < last.get(outbound.conversation, (0, -1)):
                judge.complain(
                    "replies leave in order",
                    place,
                    f"{outbound.key} at {here} came after {last[outbound.conversation]}",
                )
            last[outbound.conversation] = here
    for key, count in seen.items():
        settled = key in rows and (judge.witness.at_rest or rows[key][1].status in ("sent", "dead"))
        if count > 1 and settled and not rows[key][1].doubtful:
            detail = f"{key} reached the channel {count} times and is not marked as doubtful"
            judge.complain("copies are flagged", f"conversation {rows[key][0]}", detail)
    judge.report.copies = sum(count - 1 for count in seen.values())
    if judge.witness.sent_is_all:
        for key, (conversation, line) in rows.items():
            if line.status == "sent" and key not in seen and not conversation.startswith(ROLE_PREFIX):
                judge.complain(
                    "sent means sent", f"conversation {conversation}", f"{key} counts as sent, no channel got it"
                )


def _same(judge: Judge, place: str, outbound: Outbound, conversation: ConversationId, line: Line) -> None:
    try:
        reply = decode_reply(line.payload)
    except UndecodableRow:
        judge.complain("rows can be read", place, f"reply {line.id} cannot be decoded")
        return
    here = (outbound.conversation, outbound.seq, outbound.index, outbound.message, outbound.press)
    if here != (conversation, line.seq, line.index, reply.message, reply.press):
        judge.complain(
            "nothing leaves before its commit", place, f"the channel got another {outbound.key} than is on record"
        )
