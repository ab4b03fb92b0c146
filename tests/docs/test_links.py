"""Links lead somewhere, and every page can be reached from the index."""

from __future__ import annotations

import pytest

from tests.docs.pages import DOCS, ROOT, Page, pages

LONGEST_LINE = 140


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Page) -> None:
    for link in page.links:
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.is_relative_to(ROOT), f"{page.name}: {link} leads out of the project"
        assert path.exists(), f"{page.name}: there is no {link}"
        if anchor and path.suffix == ".md":
            assert anchor in Page(path).anchors, f"{page.name}: {link} names no heading of that page"


def test_every_page_can_be_reached_from_the_index() -> None:
    index = Page(DOCS / "README.md")
    seen, todo = set(), [index]
    while todo:
        page = todo.pop()
        if page.path in seen:
            continue
        seen.add(page.path)
        for link in page.links:
            path = (page.path.parent / link.partition("#")[0]).resolve()
            if path.suffix == ".md" and path.is_relative_to(DOCS) and path.exists():
                todo.append(Page(path))
    missing = [page.name for page in pages() if page.path.is_relative_to(DOCS) and page.path not in seen]
    assert not missing, f"no way leads from docs/README.md to {missing}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_lines_can_be_read_in_an_editor(page: Page) -> None:
    for number, line in enumerate(page.text.splitlines(), 1):
        if not line.startswith("|"):
            assert len(line) <= LONGEST_LINE, f"{page.name}:{number} has {len(line)} characters"
