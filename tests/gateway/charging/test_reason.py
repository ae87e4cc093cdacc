"""What a waiting or charging resident reads."""

import pytest

from gateway.charging.reason import Code, Why


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (Why(Code.CHARGING, current=16_000), "charging at up to 16.0 A"),
        (
            Why(Code.SHARED, current=9_900, maximum=16_000),
            "charging at up to 9.9 A of 16.0 A: the supply is shared",
        ),
        (Why(Code.QUEUED, position=2, wait=2_400), "second in the queue, about 40 minutes"),
        (Why(Code.QUEUED, position=11, wait=30), "11th in the queue, about a minute"),
        (Why(Code.QUEUED, position=22, wait=7_300), "22nd in the queue, about 2 hours"),
        (Why(Code.QUEUED, position=1), "first in the queue, for how long is not known"),
        (
            Why(Code.CLEARING, wait=130),
            "next: waiting for the supply to become free, about 3 minutes",
        ),
        (
            Why(Code.NEVER, least=7_360, limit=3_680),
            "cannot charge here: this unit needs at least 7360 W and its group may use 3680 W",
        ),
    ],
)
def test_a_reason_reads_as_a_sentence(why: Why, text: str) -> None:
    """Each code's English sentence holds its values in words."""
    assert why.text == text


def test_every_code_has_a_sentence() -> None:
    """No code can reach a resident without words, whatever values came with it."""
    assert all(Why(code).text for code in Code)


def test_only_the_values_that_matter_are_carried() -> None:
    """A translator gets the values by name and nothing else."""
    assert Why(Code.QUEUED, position=3, wait=0).values == {"position": 3, "wait": 0}
