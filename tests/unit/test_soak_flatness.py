"""The soak by time sees what grows, and does not take the warm-up of a process for growth."""

import csv
from pathlib import Path

from tests.soak.endurance.chart import draw
from tests.soak.endurance.samples import Sample, growing, lines, write


def life(values: list[float], column: str = "rss_mb", number: int = 1, begins: float = 0.0) -> list[Sample]:
    """A process that took these, every ten seconds."""
    return [
        Sample(begins + 10.0 * place, "web", number, {column: value}) for place, value in enumerate(values)
    ]


def test_what_grows_by_a_little_all_the_time_is_seen():
    assert growing(life([100 + 0.05 * place for place in range(360)])) == [
        "web (1) rss_mb +12.0 from 106.0 in 2390 s, may be 6.0"
    ]
    assert growing(life([20 + 0.1 * place for place in range(360)], "descriptors"))
    assert growing(life([50_000 + 60 * place for place in range(360)], "keys"))


def test_caches_that_fill_at_first_and_what_goes_up_and_down_are_flat():
    warm = [100 + min(30, place) for place in range(360)]
    assert growing(life(warm)) == []
    assert growing(life([20_000.0 + 8_000 * (place % 64 < 9) for place in range(360)], "keys")) == []


def test_connections_that_come_and_go_are_flat_and_one_that_stays_each_minute_is_not():
    """A worker in the soak had these after outages, most often late."""
    calls = [44.0 + 50 * (place > 150 and place % 7 < 4) for place in range(225)]
    assert growing(life(calls, "descriptors")) == []
    assert growing(life([each + place / 6 for place, each in enumerate(calls)], "descriptors"))


def test_connections_begin_anew_with_each_primary_and_one_that_stays_on_each_is_seen():
    """In a soak the primary was replaced again and again at first, and no more towards the end."""
    since = [*list(range(12)) * 10, *range(80)]
    anew = [10.0 + min(74, 8 * ago) for ago in since]
    assert growing(life(anew, "connections")) == []
    assert growing(life([each + place / 4 for place, each in enumerate(anew)], "connections"))


def test_minutes_in_which_all_connections_were_lost_are_no_growth():
    """The web process in a soak had these, at the least of each minute."""
    minutes = [41.0, 19.0, 19.0, 43.0, 45.0, 46.0, *[47.0] * 20]
    assert growing(life([each for each in [47.0] * 13 + minutes for _ in range(6)], "descriptors")) == []


def test_each_life_is_judged_for_itself_and_a_short_one_not_at_all():
    short = life([100.0 + place for place in range(40)])
    assert lines(short) == []
    second = life([130.0] * 120, number=2, begins=400)
    assert growing([*short, *second]) == []
    assert [(line.life, line.seconds) for line in lines([*short, *second])] == [(2, 790.0)]


def test_all_is_written_and_drawn(tmp_path: Path):
    samples = [*life([1.0, 2.0], "pss_mb"), Sample(20, "Redis", 1, {"keys": 5.0, "used_memory_mb": 1.5})]
    write(samples, tmp_path / "all.csv")
    with (tmp_path / "all.csv").open() as written:
        rows = list(csv.DictReader(written))
    assert [(row["name"], row["pss_mb"], row["keys"]) for row in rows] == [
        ("web", "1.00", ""),
        ("web", "2.00", ""),
        ("Redis", "", "5.00"),
    ]
    drawn = draw(samples, [(10.0, "planned <1>")])
    assert drawn.count("<polyline") == 3
    assert "planned &lt;1&gt;" in drawn
