"""Navigation, Back and parallel groups against a plain model that knows nothing of cursors, events or effects."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import Raw, json

from tests.core.dice import EFFORT
from tests.core.play import TEXT, Asked, Play, Reaction, Script, a_flow, acts, asks, marks, name
from turnflow.core.definition import ParallelGroup, WaitSpec
from turnflow.core.directives import Back, Directive, Done, Goto, Next, Repeat, Stay
from turnflow.core.messages import Message

MAIN = ("a", "b", "fork", "kyc", "all")
HEADS = ("x", "y", "z")
NEED = 2


class Branch:
    """Where one open branch stands."""

    def __init__(self, head: str) -> None:
        self.steps = [head]
        """Its history, and last the step it stands on."""


class Model:
    """What a person would expect."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.history: list[str] = []
        self.results: dict[str, int] = {}
        self.branches: dict[str, Branch | None] | None = None
        """Of the open group: None for a branch that is complete."""
        self.menu = False
        self.reopened = False
        self.step = ""
        self.enter("a", [])

    def enter(self, step: str, history: list[str]) -> None:
        self.branches, self.menu, self.reopened = None, False, False
        self.step, self.history = step, history
        if step == "fork":
            self.enter("b", history)
        elif step == "kyc":
            self.results = {}
            self.branches = {head: self.begin(head) for head in HEADS}
        else:
            self.asked[step] += 1

    def begin(self, head: str) -> Branch:
        self.asked[head] += 1
        return Branch(head)

    def back(self) -> None:
        if not self.history:
            return self.enter(self.step, [])
        *history, target = self.history
        if target == "kyc" and self.results:
            self.step, self.history, self.reopened, self.menu = "kyc", history, True, True
            self.branches = {head: None if head in self.results else self.begin(head) for head in HEADS}
            return None
        return self.enter(target, history)

    def complete(self, head: str, value: int | None) -> None:
        assert self.branches is not None
        self.results[head] = value  # type: ignore[assignment]  # null is a result too
        self.branches[head] = None
        self.menu = False
        if self.done >= NEED:
            self.enter("all", [*self.history, "kyc"])

    @property
    def done(self) -> int:
        return sum(branch is None for branch in (self.branches or {}).values())

    def choose(self, head: str) -> None:
        assert self.branches is not None
        self.menu = False
        branch = self.branches[head]
        if branch is None:
            self.branches[head] = self.begin(head)
        else:
            self.asked[branch.steps[-1]] += 1


def obey(asked: Asked) -> Directive | Reaction:
    """Answers every question as the text says."""
    if asked.owed.phase == "ask":
        return Reaction(Stay(), (Message(f"{asked.owed.step}?"),))
    word, _, rest = asked.text.partition(" ")
    directives: dict[str, Directive] = {
        "next": Next(name(rest)),
        "goto": Goto(name(rest)),
        "back": Back(),
        "repeat": Repeat(),
        "done": Done(Raw(rest.encode()) if rest else None),
    }
    return directives[word]


class Conversation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        steps = [
            asks("a"),
            asks("b", None, WaitSpec(TEXT)),
            acts("fork", routing=True),
            marks("kyc"),
            *(asks(head) for head in HEADS),
            asks("all"),
            asks("extra"),
        ]
        heads = tuple(name(head) for head in HEADS)
        flow = a_flow(*steps, groups=[ParallelGroup(name("kyc"), heads, name("all"), NEED)])
        scripts: dict[str, Script] = {step.name: obey for step in steps}
        self.play = Play(flow, {**scripts, "fork": lambda _: Next(name("b"))}).start()
        self.model = Model()

    def tell(self, head: str, text: str) -> None:
        cursor = next(cursor for cursor in self.play.state.cursors if cursor.head == head)
        assert self.play.types(text, fits=(cursor.id,)) == ""

    def branch(self, data: st.DataObject) -> tuple[str, Branch]:
        assert self.model.branches is not None
        open_ones = {head: branch for head, branch in self.model.branches.items() if branch is not None}
        head = data.draw(st.sampled_from(sorted(open_ones)))
        return head, open_ones[head]

    # --- on the main path ------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.branches is None)
    @rule(step=st.sampled_from(MAIN))
    def next(self, step: str) -> None:
        before = self.model.step
        self.play.types(f"next {step}")
        self.model.enter(step, [*self.model.history, before])

    @precondition(lambda self: self.model.branches is None)
    @rule(step=st.sampled_from(MAIN))
    def goto(self, step: str) -> None:
        self.play.types(f"goto {step}")
        self.model.enter(step, [])

    @precondition(lambda self: self.model.branches is None)
    @rule()
    def back(self) -> None:
        self.play.types("back")
        self.model.back()

    @precondition(lambda self: self.model.branches is None)
    @rule()
    def repeat(self) -> None:
        self.play.types("repeat")
        self.model.enter(self.model.step, self.model.history)

    # --- in a group ------------------------------------------------------------------------------------------------

    @precondition(lambda self: any((self.model.branches or {}).values()))
    @rule(data=st.data(), value=st.integers(0, 9))
    def complete(self, data: st.DataObject, value: int) -> None:
        head, _ = self.branch(data)
        self.tell(head, f"done {value}")
        self.model.complete(head, value)

    @precondition(lambda self: any((self.model.branches or {}).values()))
    @rule(data=st.data())
    def go_further_in_a_branch(self, data: st.DataObject) -> None:
        head, branch = self.branch(data)
        self.tell(head, "next extra")
        branch.steps.append("extra")
        self.model.asked["extra"] += 1
        self.model.menu = False

    @precondition(lambda self: any((self.model.branches or {}).values()))
    @rule(data=st.data())
    def go_back_in_a_branch(self, data: st.DataObject) -> None:
        head, branch = self.branch(data)
        self.tell(head, "back")
        if len(branch.steps) > 1:
            branch.steps.pop()
            self.model.asked[branch.steps[-1]] += 1
            self.model.menu = False
        else:
            self.model.menu = True

    @precondition(lambda self: any((self.model.branches or {}).values()))
    @rule(data=st.data(), other=st.sampled_from(HEADS))
    def go_to_another_branch(self, data: st.DataObject, other: str) -> None:
        head, branch = self.branch(data)
        self.tell(head, f"next {other}")
        assert self.model.branches is not None
        if other == head:
            branch.steps.append(head)
            self.model.asked[head] += 1
            self.model.menu = False
            return
        self.model.complete(head, None)
        if self.model.branches is not None:
            if self.model.branches[other] is None:
                self.model.menu = True
            else:
                self.model.choose(other)

    @precondition(lambda self: any((self.model.branches or {}).values()))
    @rule(data=st.data(), step=st.sampled_from(("a", "b", "all", "kyc")))
    def leave_the_group(self, data: st.DataObject, step: str) -> None:
        head, _ = self.branch(data)
        self.tell(head, f"goto {step}")
        self.model.enter(step, [])

    @precondition(lambda self: self.model.menu)
    @rule(head=st.sampled_from(HEADS), typed=st.booleans())
    def choose(self, head: str, typed: bool) -> None:
        if typed:
            self.play.types(head)
        else:
            menu = self.play.state.groups[0].menu
            assert menu is not None
            self.play.press(f"~{menu.nonce}:{head}")
        self.model.choose(head)

    @precondition(lambda self: self.model.menu and self.model.reopened and self.model.done >= NEED)
    @rule()
    def leave_it_as_it_is(self) -> None:
        self.play.types("\u2192")
        self.model.enter("all", [*self.model.history, "kyc"])

    # --- what must agree -------------------------------------------------------------------------------------------

    @invariant()
    def they_agree(self) -> None:
        state, model = self.play.state, self.model
        main = state.cursors[0]
        assert state.status == "waiting"
        assert (main.step, list(main.history)) == (model.step, model.history)
        branches = {head: branch for head, branch in (model.branches or {}).items() if branch is not None}
        assert {cursor.head: [*cursor.history, cursor.step] for cursor in state.cursors[1:]} == {
            head: branch.steps for head, branch in branches.items()
        }
        assert [group.menu is not None for group in state.groups] == (
            [model.menu] if model.branches is not None else []
        )
        assert {head: json.decode(value) for head, value in state.results.items()} == model.results
        asked = Counter(text[:-1] for text in self.play.said if text.endswith("?"))
        assert asked == +model.asked


Conversation.TestCase.settings = settings(max_examples=60 * EFFORT, stateful_step_count=40, deadline=None)
TestConversation = Conversation.TestCase
