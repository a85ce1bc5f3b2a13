"""Counts and times in alerts are plain English, for one as for many."""

import pytest

from stedi_dagster.wording import ago, counted, with_unit, without_unit


@pytest.mark.parametrize(
    ("number", "what", "said"),
    [
        (1, "rows without consent", "1 row without consent"),
        (1234, "rows without consent", "1,234 rows without consent"),
        (1, "people who have withdrawn, 3 hours ago", "1 person who has withdrawn, 3 hours ago"),
        (1, "rows of people who do not agree to research", "1 row of people who do not agree to research"),
        (1, "rows that are missing", "1 row that is missing"),
        (2, "machine_learning_curated: rows too many", "machine_learning_curated: 2 rows too many"),
        (1, "machine_learning_curated: rows too many", "machine_learning_curated: 1 row too many"),
        (7, "quarantined: not JSON", "7 quarantined: not JSON"),
        (1, "data files that were altered: mend it", "1 data file that was altered: mend it"),
        (2, "metadata files that are gone: mend it", "2 metadata files that are gone: mend it"),
        (1, "rows", "1 row"),
    ],
)
def test_a_count_reads_as_a_sentence_does(number: int, what: str, said: str) -> None:
    assert counted(number, what) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-5, "less than an hour ago"),
        (59, "less than an hour ago"),
        (60, "1 hour ago"),
        (47 * 60 + 59, "47 hours ago"),
        (48 * 60, "2 days ago"),
    ],
)
def test_a_time_is_as_exact_as_it_is_young(minutes: int, said: str) -> None:
    assert ago(60 * minutes) == said


@pytest.mark.parametrize(
    ("description", "unit"),
    [("Acceleration along x", "m/s²"), ("The person", None), ("A list [as text]\nof two lines", "ms"), ("", None)],
)
def test_a_meaning_is_taken_apart_as_it_was_put_together(description, unit):
    assert without_unit(with_unit(description, unit)) == (description, unit)
