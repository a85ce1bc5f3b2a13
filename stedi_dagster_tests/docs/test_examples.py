"""`docs/examples`: notebooks, committed with what they print, which run on made-up people."""

import re

import dagster as dg
import nbformat
import pytest
from nbclient import NotebookClient

from stedi_dagster.sample import generate
from stedi_dagster_tests.docs.pages import DOCS
from stedi_dagster_tests.releases.worlds import make
from stedi_dagster_tests.scenario import Scenario

STEP_DETECTOR = DOCS / "examples" / "step_detector.ipynb"
PARTICIPANT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.mark.long
def test_the_step_detector_learns_something_and_its_score_is_beside_a_dummys(tmp_path, sail_url, monkeypatch):
    scenario = Scenario(tmp_path, {"engine": sail_url})
    generate(scenario.landing, scale=0.2)
    with dg.DagsterInstance.ephemeral() as instance:
        assert scenario.run(instance).success
    make(scenario)
    monkeypatch.setenv("STEDI_HOME", str(scenario.home))
    notebook = nbformat.read(STEP_DETECTOR, as_version=4)
    asked = 'print(scores.loc["baseline", "balanced accuracy"] - scores.loc["dummy", "balanced accuracy"])'
    notebook.cells.append(nbformat.v4.new_code_cell(asked))
    done = NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    better_by = float(done.cells[-1].outputs[-1].text)
    assert better_by > 0.05


def test_the_step_detector_is_committed_with_what_it_prints_and_names_nobody():
    cells = [cell for cell in nbformat.read(STEP_DETECTOR, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds == {"stream", "execute_result", "display_data"}
    assert not PARTICIPANT.search(STEP_DETECTOR.read_text())
