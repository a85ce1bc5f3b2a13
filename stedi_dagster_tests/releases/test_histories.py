"""Whatever happens, and wherever it is killed: nobody who has left is in a release, and each says what it has."""

from collections import Counter
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as choosing
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from stedi_dagster.contracts import MachineLearningCurated, MlRelease
from stedi_dagster.drafts.releases import cut_again
from stedi_dagster.erasure.digests import load_digester
from stedi_dagster.erasure.erase import Eraser
from stedi_dagster.errors import ReleaseError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import contents
from stedi_dagster.releases.create import create
from stedi_dagster.releases.export import export
from stedi_dagster.releases.exports import Exports
from stedi_dagster.releases.facts import Release
from stedi_dagster.releases.read import releases_of
from stedi_dagster.releases.verify import verify
from stedi_dagster.settings import Settings
from stedi_dagster.settings.policy import PRESETS, Preset
from stedi_dagster_tests.drafts.happenings import FIRST, PEOPLE, happen
from stedi_dagster_tests.drafts.making import Making
from stedi_dagster_tests.drafts.test_following import files, records
from stedi_dagster_tests.histories.crashes import Crash, Killed, crashes, crashing
from stedi_dagster_tests.landing.zone import NOW, examples
from stedi_dagster_tests.releases.worlds import participants_in_files

_RULES: list[Preset] = ["default", "as-of"]


@dataclass(frozen=True)
class Between:
    """What happens before a run, and after it; the crash comes anywhere in all of that, if it comes there.

    `forget`: somebody is erased. `preset`: the rules from then on. `release`: one is created. `export`: one is copied.
    """

    files: list[tuple[str, str, str | None]]
    forget: str | None = None
    preset: Preset | None = None
    release: bool = True
    export: bool = True
    crash: Crash | None = None


betweens = st.builds(
    Between,
    st.lists(st.sampled_from(sorted(records)).flatmap(files), max_size=3),
    forget=st.sampled_from([None] * 4 + PEOPLE[:2]),
    preset=st.sampled_from([None] * 6 + _RULES),
    release=st.booleans(),
    export=st.booleans(),
    crash=st.none() | st.none() | crashes,
)


class Playing:
    """A lakehouse without history, in which releases are made, cut and copied."""

    def __init__(self, folder: Path, session: SparkSession) -> None:
        self.folder = folder
        self.making = Making(folder, session)
        self.lakehouse = Lakehouse(folder / "home", str(folder / "warehouse"), retention_days=0)
        self.making.lakehouse = self.lakehouse
        self.preset: Preset = "default"
        self.made = 0
        self.placed: dict[str, str] = {}

    def run(self) -> None:
        """A run, with what it does to releases."""
        self.making.policy = PRESETS[self.preset]
        self.making.run(now_ms=NOW)
        with self.holding():
            cut_again(self.lakehouse, run_id=f"run {self.making.runs}")

    def resume(self) -> None:
        """What a run does that comes after one that was killed."""
        digester = load_digester(self.lakehouse.home, make=False)
        if digester is not None:
            with self.holding():
                Eraser(self.lakehouse, str(self.making.scenario.landing), digester, lambda _: None).resume()
        self.run()

    def holding(self) -> AbstractContextManager[None]:
        return self.lakehouse.writing("a test", timeout=0, waiting=print)

    def settings(self) -> Settings:
        return self.making.scenario.load_settings(
            home=self.lakehouse.home, warehouse=self.lakehouse.warehouse, preset=self.preset, retention=0
        )

    def create(self) -> None:
        """A release, unless it is refused."""
        self.made += 1
        with self.holding(), suppress(ReleaseError):
            create(self.settings(), self.lakehouse, f"r{self.made}", note=None, tell=lambda _: None)

    def export(self) -> None:
        """A copy of the newest release, if there is one."""
        with self.holding():
            if releases := releases_of(self.lakehouse):
                with suppress(ReleaseError):
                    folder = self.folder / f"copy {self.made} {self.making.runs}"
                    export(
                        self.settings(),
                        self.lakehouse,
                        releases[-1].name,
                        str(folder),
                        recipient="gait lab",
                        tell=lambda _: None,
                    )

    def hold(self) -> None:
        """What must be true after every run."""
        curated = self.lakehouse.read("machine_learning_curated", MachineLearningCurated)
        released = self.lakehouse.read("ml_release", MlRelease)
        assert curated is not None
        rows = Counter(self.making.rows("machine_learning_curated"))
        # Nothing that is reachable has anybody who is not published any more; nor has any other file.
        assert participants_in_files(Path(self.lakehouse.location_of("ml_release"))) <= {row[0] for row in rows}
        if released is None:
            assert releases_of(self.lakehouse) == []
            return
        by_release: dict[str, Counter[tuple[object, ...]]] = {}
        for *row, name, part in self.making.rows("ml_release"):
            by_release.setdefault(name, Counter())[tuple(row)] += 1
            # Nobody is in two parts, and nobody ever changes.
            assert self.placed.setdefault(str(row[0]), part) == part
        assert all(found <= rows for found in by_release.values())
        releases = {release.name: release for release in releases_of(self.lakehouse)}
        assert by_release.keys() <= releases.keys()
        holds = contents(released.files)
        for name, release in releases.items():
            now = release.current
            assert now.rows == sum(by_release.get(name, Counter()).values())
            assert (holds[name].parts if name in holds else {}) in (now.parts, {})
            gone = sum(revision.rows_gone for revision in release.revisions)
            assert release.revisions[0].rows == now.rows + gone
            assert [revision.number for revision in release.revisions] == list(range(1, len(release.revisions) + 1))
        self.hold_copies(releases)

    def hold_copies(self, releases: dict[str, Release]) -> None:
        """Every copy that has somebody who left is told of, and no other."""
        there = participants_in_files(Path(self.lakehouse.location_of("ml_release")))
        known = {copy.number: copy for copy in Exports(self.lakehouse).all()}
        for manifest in self.folder.glob("copy */manifest.json"):
            found = verify(str(manifest.parent), self.lakehouse)
            assert found.export in known
            if known[found.export].digest is not None:
                assert found.intact
            if participants_in_files(manifest.parent) - there:
                assert found.must_be_replaced
            assert found.must_be_replaced == (releases[found.release].current.number > found.revision)


@pytest.mark.long
def test_whatever_happens_no_release_keeps_who_has_left(tmp_path_factory: pytest.TempPathFactory, sail: SparkSession):
    copied: list[Path] = []

    @choosing(examples, max_examples=5)
    @given(st.lists(betweens, min_size=1, max_size=5))
    def play(all_that_happens: list[Between]) -> None:
        playing = Playing(tmp_path_factory.mktemp("releases"), sail)
        for between in [Between(FIRST), *all_that_happens]:
            for happening in between.files:
                happen(playing.making, *happening)
            playing.preset = between.preset or playing.preset
            killed = True
            with crashing(between.crash) if between.crash else nullcontext(), suppress(Killed):
                if between.forget:
                    playing.making.forget(between.forget)
                playing.run()
                if between.release:
                    playing.create()
                if between.export:
                    playing.export()
                killed = False
            if killed:
                playing.resume()
            playing.hold()
        copied.extend(playing.folder.glob("copy */manifest.json"))

    play()
    assert copied
