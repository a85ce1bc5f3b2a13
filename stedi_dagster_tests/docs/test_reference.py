"""The generated pages say what the code says."""

import pytest

from docs.generator import FOLDER, pages


@pytest.mark.parametrize("name", [path.name for path in sorted(FOLDER.glob("*.md"))])
def test_a_reference_page_is_what_the_generator_writes_now(name):
    committed = (FOLDER / name).read_text("utf-8")
    assert committed == pages().get(name), f"docs/reference/{name} is not current: run `make reference`"


def test_every_generated_page_is_committed():
    missing = sorted(name for name in pages() if not (FOLDER / name).exists())
    assert not missing, "run `make reference`"
