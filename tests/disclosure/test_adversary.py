"""The adversary suite of bin/long disclosure at a small size, of a fresh seed: it is named when one of them fails."""

import os
from dataclasses import replace

from benchmarks import disclosure


def test_an_attacker_recovers_nothing_and_every_planted_leak_is_found():
    seed = int.from_bytes(os.urandom(4), "big")
    found = disclosure.check(planted=10, clean=20, attacked=15, largest=120, tables=6, seed=seed)
    said = {"seed": seed, **disclosure.as_result(found)}
    assert (found.caught, found.false_alarms, found.recovered) == (10, 0, 0), said
    assert (found.rates, found.rates_missed, found.rates_over) == (1_100, 0, 0), said
    assert found.hidden == found.least > 0, said
    assert found.shortfalls == [], said


def test_what_falls_short_is_said():
    good = disclosure.Found(
        planted=200,
        caught=200,
        clean=500,
        false_alarms=10,
        attacked=300,
        recovered=0,
        rates=10,
        rates_missed=0,
        rates_over=0,
        tables=10,
        hidden=110,
        least=100,
    )
    assert good.shortfalls == []
    worse = replace(good, caught=199, false_alarms=11, recovered=1, rates_missed=2, hidden=111)
    assert worse.shortfalls == [
        "1 planted leaks were missed",
        "11 false alarms",
        "1 protected releases tell a count",
        "2 rates that tell a count pass",
        "111 numbers hidden, 100 would do",
    ]
