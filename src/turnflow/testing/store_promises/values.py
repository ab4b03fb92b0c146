"""Values: ids byte by byte, text of any script, bytes of any kind and size."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from msgspec.structs import replace

from turnflow.core.ids import ConversationId, InputId, MailboxId, RunId
from turnflow.core.inputs import clean
from turnflow.ports import Accepted, DefinitionRecord, Grade, ResultRecord, RunQuery
from turnflow.testing.store_promises.subject import StoreUnderTest, commit, entry, reasons, reply, run, step, timer

ACCENT = "caf\u00e9"
ALIKE = (
    "Run1", "run1", "RUN1", "run1 ", " run1", "run1\t", ACCENT, unicodedata.normalize("NFD", ACCENT), "cafe", "stra\u00dfe",
    "strasse", "\u0130", "i", "run%", "run_", "'run\"", "\u200brun1", "\U0001f600", "\U0001f601", clean("a\x00b"),
    clean("\ud800"),
)  # fmt: skip
"""Texts that some databases take for one another."""
MIB = 1024 * 1024


class ValuePromises(StoreUnderTest):
    """What a store keeps apart, and keeps whole."""

    async def test_ids_of_entries_and_mailboxes_compare_byte_by_byte(self, tmp_path: Path) -> None:
        """Case, accents and blanks count."""
        async with self.opened(tmp_path) as store:
            apart = list(dict.fromkeys(ALIKE))
            assert await store.accept([entry(text, text) for text in apart]) == [Accepted(1)] * len(apart)
            for text in apart:
                assert [one.id for one in (await store.load(MailboxId(text))).waiting] == [text]
                assert await store.seen(InputId(text))
            assert not await store.seen(InputId("rUn1"))

    async def test_ids_of_runs_keys_and_timers_compare_byte_by_byte(self, tmp_path: Path) -> None:
        """Each text names another run, live key, timer, result and conversation."""
        async with self.opened(tmp_path) as store:
            apart = list(dict.fromkeys(ALIKE))
            given = [
                replace(
                    commit(
                        runs=[run(text, live_key=text)],
                        journal=[step(text, 1, text.encode())],
                        outbox=[reply(text, 1)],
                        timers_set=[timer("r", text, 1)],
                    ),
                    results=(ResultRecord(RunId("r"), text, b""),),
                )
                for text in apart
            ]
            assert reasons(await store.commit(given)) == [""] * len(apart)
            assert [kept.run for kept in await store.find(RunQuery(limit=100))] == sorted(apart)
            assert [one.key for one in await store.results(RunId("r"), "")] == sorted(apart)
            for text in apart:
                assert [one.entry for one in await store.journal(RunId(text))] == [text.encode()]
                assert len(await store.history(ConversationId(text))) == 1

    async def test_values_of_a_mebibyte_are_kept_whole(self, tmp_path: Path) -> None:
        """In every place that holds a value."""
        async with self.opened(tmp_path) as store:
            large = bytes(range(256)) * (MIB // 256)
            given = commit(
                received=[entry("m", "a", seq=1, payload=large)],
                runs=[run("r", state=large)],
                journal=[step("r", 1, large)],
                outbox=[reply("m", 1, text=large)],
            )
            definition = DefinitionRecord(given.runs[0].flow, 1, "d", large)
            given = replace(given, results=(ResultRecord(RunId("r"), "k", large),), definitions=(definition,))
            assert reasons(await store.commit([given])) == [""]
            again = await self.reopened(store, tmp_path)
            mailbox = await again.load(MailboxId("m"))
            assert mailbox.waiting[0].payload == mailbox.runs[0].state == large
            assert [one.entry for one in await again.journal(RunId("r"))] == [large]
            assert [one.payload for one in await again.history(ConversationId("m"))] == [large, large]
            assert [one.value for one in await again.results(RunId("r"), "k")] == [large]
            assert await again.definition(definition.flow, 1) == large
            await again.close()

    async def test_values_are_any_bytes(self, tmp_path: Path) -> None:
        """Empty ones, and those that are no text."""
        async with self.opened(tmp_path) as store:
            for number, value in enumerate((b"", b"\x00", b"\xff\xfe", b"'; --"), 1):
                await store.commit([commit(runs=[run("r", number, state=value)], journal=[step("r", number, value)])])
                assert (await store.load(MailboxId("m"))).runs[0].state == value
                assert (await store.journal(RunId("r"), number - 1))[0].entry == value

    async def test_numbers_of_any_time_are_kept(self, tmp_path: Path) -> None:
        """Milliseconds of the year 9999, and before 1970."""
        async with self.opened(tmp_path) as store:
            far, past = 253_402_300_799_999, -1
            await store.accept([entry("m", "far", at=far), entry("m", "past", at=past)])
            assert [one.at for one in (await store.load(MailboxId("m"))).waiting] == [far, past]
            await store.commit([commit(timers_set=[timer("r", "t", far)])])
            assert [one.due for one in (await store.due(range(64), far + 1, 10)).timers] == [far]

    async def test_a_store_knows_what_it_survives(self, tmp_path: Path) -> None:
        """The grade is honest about persistence, at least."""
        async with self.opened(tmp_path) as store:
            assert isinstance(store.grade, Grade)
            assert store.grade.survives_kill <= self.persists
            assert store.grade.survives_power_loss <= store.grade.survives_kill
            assert store.grade.store

    async def test_a_store_may_be_closed_and_opened_again(self, tmp_path: Path) -> None:
        """Also the same object, and more than once."""
        async with self.opened(tmp_path) as store:
            for number in range(1, 4):
                await store.close()
                await store.open()
                assert await store.accept([entry("m", str(number))]) == [Accepted(number)]
