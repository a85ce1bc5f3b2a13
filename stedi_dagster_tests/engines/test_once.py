"""Rows that were found once are the same rows, and no plan that an engine shows or logs holds them."""

from stedi_dagster.engines.once import found_once


def test_what_was_found_is_in_no_plan(engine, capsys):
    found = found_once(engine.range(3).selectExpr("concat('person-', id, '@example.com') AS key"))
    assert sorted(row["key"] for row in found.collect()) == [f"person-{number}@example.com" for number in range(3)]
    found.join(found.withColumnRenamed("key", "other"), on=found["key"] == "x", how="left").explain(extended=True)
    assert "person-1" not in capsys.readouterr().out


def test_of_nothing_the_columns_are_left(engine):
    nothing = found_once(engine.range(3).where("id > 5"))
    assert (nothing.columns, nothing.count()) == (["id"], 0)
