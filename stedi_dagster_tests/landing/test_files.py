import os

import pytest

from stedi_dagster.errors import LandingError
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import Listing, list_files
from stedi_dagster_tests.landing.zone import CUSTOMER, STEP_TRAINER
from stedi_dagster_tests.scenario import Scenario, customer

NAMES = [
    "session 1.json",
    "50% off%20.json",
    "date=2022-06-18.json",
    "all*.json",
    "x{y}.json",
    "a[1].json",
    "what?.json",
    "part#2.json",
    "12:30.json",
    "back\\slash.json",
    "two\nlines.json",
    "Prüfung-步.json",
    "no extension",
]


@pytest.fixture
def zone(tmp_path):
    return Scenario(tmp_path)


def test_what_is_no_file_is_refused_by_name(zone):
    zone.land("customer", customer())
    os.mkfifo(zone.landing / "customer/landing/for ann@example.com")
    with pytest.raises(LandingError, match=r"customer/landing/for \(address\) in the landing zone is a pipe"):
        listed(zone)
    (zone.landing / "customer/landing/for ann@example.com").unlink()
    os.mkfifo(zone.landing / "customer/landing/_marker")
    assert len(listed(zone).files) == 1


def listed(zone: Scenario, feed: Feed = CUSTOMER) -> Listing:
    return list_files(str(zone.landing), feed)


def test_every_name_is_listed_with_its_size(zone):
    paths = {f"customer/landing/{name}": zone.land("customer", customer(), name=name) for name in NAMES}
    listing = listed(zone)
    assert {file.name: file.path for file in listing.files} == {name: str(path) for name, path in paths.items()}
    assert listing.size == sum(path.stat().st_size for path in paths.values())
    assert listing.markers == ()


def test_files_are_listed_in_a_fixed_order_with_those_of_sub_folders(zone):
    for name in ("b.json", "a.json", "2022/06/18/c.json", "late arrivals/d.json", "year=2022/e.json"):
        zone.land("customer", customer(), name=name)
    assert [file.name.removeprefix("customer/landing/") for file in listed(zone).files] == [
        "2022/06/18/c.json",
        "a.json",
        "b.json",
        "late arrivals/d.json",
        "year=2022/e.json",
    ]


def test_names_that_begin_with_an_underscore_or_a_dot_are_markers_wherever_they_stand(zone):
    for name in ("_SUCCESS", ".part.crc", "_temporary/0/a.json", "2022/.hidden/b.json", "2022/_c.json"):
        zone.land("customer", customer(), name=name)
    zone.land("customer", customer(), name="2022/in_the.middle_.json")
    listing = listed(zone)
    assert [file.name for file in listing.files] == ["customer/landing/2022/in_the.middle_.json"]
    assert [marker.removeprefix("customer/landing/") for marker in listing.markers] == [
        ".part.crc",
        "2022/.hidden/b.json",
        "2022/_c.json",
        "_SUCCESS",
        "_temporary/0/a.json",
    ]


def test_a_landing_zone_below_a_hidden_folder_is_no_marker(tmp_path):
    zone = Scenario(tmp_path / ".stedi" / "_data")
    zone.land("customer", customer())
    assert len(listed(zone).files) == 1
    assert len(list_files(f"{tmp_path}/.stedi/../.stedi/_data/landing", CUSTOMER).files) == 1


def test_a_feed_has_its_own_files_only(zone):
    zone.land("customer", customer())
    assert listed(zone, STEP_TRAINER).files == ()


def test_a_missing_folder_is_named_with_what_to_do(tmp_path):
    with pytest.raises(LandingError) as raised:
        list_files(str(tmp_path / "nowhere"), CUSTOMER)
    message = str(raised.value)
    assert f"{tmp_path}/nowhere/customer/landing does not exist" in message
    assert "STEDI_LANDING" in message
    assert "stedi generate" not in message


def test_a_file_where_the_folder_should_be_is_a_landing_error(tmp_path):
    (tmp_path / "customer").mkdir()
    (tmp_path / "customer" / "landing").write_text("")
    with pytest.raises(LandingError, match="customer/landing cannot be read"):
        list_files(str(tmp_path), CUSTOMER)


def test_a_name_that_is_no_utf8_is_a_landing_error_that_shows_it(zone):
    (zone.landing / "customer" / "landing" / os.fsdecode(b"\xff.json")).write_text("{}")
    with pytest.raises(LandingError, match=r"\\xff\.json is not UTF-8"):
        listed(zone)


def test_the_digest_stays_while_nothing_changes(zone):
    zone.land("customer", customer())
    digest = listed(zone).digest()
    zone.land("accelerometer", customer())
    zone.land("customer", customer(), name="_SUCCESS")
    assert listed(zone).digest() == digest


def test_the_digest_changes_when_a_file_comes_goes_grows_moves_or_is_rewritten(zone):
    path = zone.land("customer", customer())
    digests = [listed(zone).digest()]

    zone.land("customer", name="empty.json")
    digests.append(listed(zone).digest())

    path.write_text(path.read_text() + "\n")
    digests.append(listed(zone).digest())

    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))  # rewritten with as many bytes
    digests.append(listed(zone).digest())

    before = path.stat()
    path.write_text(path.read_text().replace("Ann", "Eve"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as rsync -t, cp -p and a restore do
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    digests.append(listed(zone).digest())

    copy = path.with_name("copy")
    copy.write_text(path.read_text().replace("Eve", "Ada"))
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    copy.replace(path)
    digests.append(listed(zone).digest())

    path = path.rename(path.with_name("moved.json"))
    digests.append(listed(zone).digest())

    path.unlink()
    digests.append(listed(zone).digest())
    assert len(set(digests)) == len(digests)


def names(zone: Scenario) -> list[str]:
    return [file.name.removeprefix("customer/landing/") for file in listed(zone).files]


def test_links_are_followed_and_every_file_is_delivered_once(zone, tmp_path):
    folder = zone.landing / "customer" / "landing"
    zone.land("customer", customer(), name="day 1/a.json")
    zone.land("accelerometer", customer(), name="not ours.json")
    (folder / "0 loop").symlink_to(folder)
    (folder / "day 1" / "above").symlink_to("../..")
    (folder / "day 1" / "further above").symlink_to(zone.landing)
    (folder / "0 the same day").symlink_to("day 1")
    (folder / "day 1" / "b.json").symlink_to("a.json")
    (folder / "day 1" / "c.json").hardlink_to(folder / "day 1" / "a.json")
    elsewhere = Scenario(tmp_path / "elsewhere")
    elsewhere.land("customer", customer(), name="far.json")
    for name in ("x", "y"):
        (folder / name).symlink_to(elsewhere.landing / "customer" / "landing")
    assert names(zone) == ["day 1/a.json", "x/far.json"]


@pytest.mark.parametrize("leads_to", ["nowhere.json", "of ann@example.com", "a/b/c", "itself"])
def test_a_link_that_leads_nowhere_is_refused_and_named_as_one(zone, leads_to):
    zone.land("customer", customer())
    link = zone.landing / "customer/landing/of ben@example.com"
    link.symlink_to(link.name if leads_to == "itself" else leads_to)
    with pytest.raises(LandingError, match=r"of \(address\) in the landing zone is a link that leads nowhere"):
        listed(zone)
    link.rename(link.with_name("_marker"))
    assert names(zone) == ["part-1.json"]
