"""The state machine over events at a small size, by a fresh seed: nothing leaves that an oracle in SQL would not have let go."""

import os

from benchmarks import release_sequences


def test_no_sequence_of_events_reaches_a_release_whose_preconditions_do_not_hold() -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    try:
        counts = release_sequences.check(sequences=40, steps=25, seed_of_all=seed)
    except AssertionError as error:
        raise AssertionError(f"with the seed {seed}") from error
    assert counts["sequences"] >= 40, seed
    assert any(name.endswith("allowed") for name in counts), seed
