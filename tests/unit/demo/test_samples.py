"""The sample auctions: twelve, each with a picture that ships with the page, three of them short."""

from gavel.demo.samples import SAMPLES
from tests.house.tree import ROOT

PICTURES = ROOT / "web" / "public" / "samples"


def test_each_sample_has_a_picture_that_ships_with_the_page() -> None:
    assert len(SAMPLES) == 12
    pictures = {f"{sample.picture}.svg" for sample in SAMPLES}
    assert {path.name for path in PICTURES.glob("*.svg")} == pictures
    assert len(pictures) == len(SAMPLES)


def test_the_source_of_the_pictures_is_named() -> None:
    source = (PICTURES / "SOURCE.txt").read_text(encoding="utf-8")
    assert "CC0" in source


def test_three_samples_end_within_minutes_of_their_start() -> None:
    assert sum(sample.minutes <= 12 for sample in SAMPLES) == 3


def test_no_two_samples_have_one_title() -> None:
    assert len({sample.title for sample in SAMPLES}) == len(SAMPLES)
