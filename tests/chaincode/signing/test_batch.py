"""Reading batches keep their samples as bytes until somebody asks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaincode.errors import InvalidArgument
from chaincode.signing.batch import MAX_SAMPLES, Sample, Samples, body_length, decode_batch
from tests.vectors.messages import example_chain

SAMPLE = st.builds(Sample, st.integers(0, 65_535), st.integers(0, 65_535))
CHARGING = example_chain()[2]


@given(st.lists(SAMPLE, max_size=MAX_SAMPLES))
def test_samples_survive_the_way(samples: list[Sample]) -> None:
    """Decoded samples are equal to those encoded, whichever side of the comparison they stand on."""
    batch = replace(CHARGING, samples=tuple(samples))
    decoded = decode_batch(batch.encode())
    assert decoded == batch
    assert batch == decoded
    assert hash(decoded) == hash(batch)
    assert decoded.encode() == batch.encode()
    assert list(decoded.samples) == samples


def test_samples_are_a_sequence() -> None:
    """Indices, slices and lengths work as a tuple's."""
    samples = decode_batch(CHARGING.encode()).samples
    expected = CHARGING.samples
    assert isinstance(samples, Samples)
    assert len(samples) == 4
    assert (samples[0], samples[-1]) == (expected[0], expected[-1])
    assert samples[1:] == tuple(expected)[1:]
    assert samples[::-1] == tuple(expected)[::-1]
    with pytest.raises(IndexError):
        samples[4]
    assert samples != expected[1:]


@pytest.mark.parametrize("length", [0, 87])
def test_a_cut_header_is_refused(length: int) -> None:
    """Fewer bytes than a header has name the batch as the field."""
    with pytest.raises(InvalidArgument, match="has at least 88 bytes"):
        body_length(CHARGING.encode()[:length])
