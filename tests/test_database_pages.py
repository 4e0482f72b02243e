"""The examples of rule pages make tables on real databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from lockcheck import pages
from tests import expectations, projects

EXAMPLES = [
    pytest.param(example.source, id=f"{page.code}-line-{example.line}")
    for page in pages.all_pages()
    for example in page.examples
]


@pytest.mark.parametrize("source", EXAMPLES)
def test_example_has_tables(source: str, database: sa.Engine) -> None:
    with projects.module(expectations.read("example.py", source).text) as module:
        module.Base.metadata.create_all(database)
        assert sa.inspect(database).get_table_names()
