"""The arithmetic of speed: bytes, operations, and what follows for prompts and batches."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.prompts.hardware import DEVICES, MODELS
from kibitz.prompts.speed import Architecture, Deployment, Device, latencies

TINY = Architecture("tiny", layers=2, heads=4, kv_heads=2, head_size=8, parameters=1000)
SLOW = Device("slow", bandwidth=1000.0, flops=100_000.0, memory=10_000.0)
A100 = DEVICES["a100-80g"]
MHA, MQA = Deployment(MODELS["llama-2-7b"], A100), Deployment(MODELS["7b-mqa"], A100)
K = 1024

lengths = st.integers(1, 300_000)
batches = st.integers(1, 512)
deployments = st.builds(
    Deployment,
    st.sampled_from(list(MODELS.values())),
    st.sampled_from(list(DEVICES.values())),
    devices=st.integers(1, 16),
    weight_bits=st.sampled_from([4.5, 8.0, 16.0]),
    kv_bits=st.sampled_from([8.0, 16.0]),
)


def test_a_model_small_enough_to_reckon_by_hand() -> None:
    made = Deployment(TINY, SLOW)
    assert made.kv_bytes_per_token == 2 * 2 * 2 * 8 * 2  # key and value, layers, heads, head size, bytes
    assert made.bytes_per_step(10, 3) == 2000 + 3 * 10 * 128
    step = made.decode(10, 3)
    assert (step.weights_s, step.kv_s) == (2.0, 3.84)
    assert step.compute_s == pytest.approx(3 * (2000 + 4 * 2 * 4 * 8 * 10) / 100_000)
    assert (step.seconds, step.bound) == (5.84, "KV cache")
    assert made.decode(1).bound == "weights"
    assert made.largest_batch(10) == 6  # (10,000 - 2,000) / 1,280
    assert made.largest_batch(63) == 0


def test_reading_goes_over_to_computing_and_grows_with_the_square() -> None:
    made = Deployment(TINY, SLOW)
    assert made.prefill(1).bound == "weights"
    assert made.prefill(1000).bound == "compute"
    assert made.prefill(1000).compute_s == pytest.approx((2_000_000 + 256 * 500_500) / 100_000)


def test_a_cache_with_one_head_and_one_sequence_stays_on_one_device() -> None:
    one_head = Deployment(replace(TINY, kv_heads=1), SLOW, devices=4)
    assert one_head.decode(40).kv_s == replace(one_head, devices=1).decode(40).kv_s
    assert one_head.decode(40, batch=4).kv_s == one_head.decode(40).kv_s  # one sequence on each
    assert one_head.largest_batch(148) == 4  # 9,472 bytes beside the 500 of a device's weights
    assert one_head.largest_batch(149) == 0


def test_presets_have_the_caches_that_their_papers_tell() -> None:
    kib = {name: Deployment(model, A100).kv_bytes_per_token / K for name, model in MODELS.items()}
    assert kib == {
        "llama-2-7b": 512,
        "7b-mqa": 16,
        "llama-3-8b": 128,
        "qwen2.5-coder-7b": 56,
        "smollm2-135m": 22.5,
    }


@pytest.mark.parametrize("batch", [1, 8, 15])
def test_one_key_value_head_reads_256k_in_the_bytes_of_8k(batch: int) -> None:
    assert MHA.kv_bytes_per_token == 32 * MQA.kv_bytes_per_token
    assert MQA.bytes_per_step(256 * K, batch) == MHA.bytes_per_step(8 * K, batch)
    assert MQA.largest_batch(256 * K) == MHA.largest_batch(8 * K) == 15
    short, long = MHA.decode(8 * K, batch), MQA.decode(256 * K, batch)
    assert long.memory_s == short.memory_s
    assert long.compute_s > 8 * short.compute_s  # the products with every earlier token do not become fewer
    assert long.seconds == short.seconds  # and still this device waits for its memory


def test_that_holds_where_operations_are_cheap_beside_bytes_and_matters_where_caches_outweigh_weights() -> None:
    assert MQA.decode(256 * K, 1).bound == "weights"
    assert MQA.decode(256 * K, 8).bound == "KV cache"
    saved_alone = MHA.decode(8 * K, 1).seconds / MQA.decode(8 * K, 1).seconds
    saved_together = MHA.decode(8 * K, 15).seconds / MQA.decode(8 * K, 15).seconds
    assert 1.2 < saved_alone < 1.4
    assert saved_together > 4
    long, short = (replace(made, device=DEVICES["laptop"], weight_bits=4.5) for made in (MQA, MHA))
    assert long.largest_batch(256 * K) == short.largest_batch(8 * K) == 2
    assert long.decode(256 * K).bound == "compute"
    assert long.decode(256 * K).seconds > 2 * short.decode(8 * K).seconds


@given(deployments, lengths, lengths, batches)
def test_more_of_anything_takes_no_less_time(made: Deployment, length: int, more: int, batch: int) -> None:
    assert made.decode(length + more, batch).seconds >= made.decode(length, batch).seconds
    assert made.prefill(length + more).seconds >= made.prefill(length).seconds
    assert made.prefill(length, more).seconds <= made.prefill(length + more).seconds
    assert made.largest_batch(length + more) <= made.largest_batch(length)


@given(deployments, lengths, batches)
def test_the_largest_batch_fits_and_one_more_does_not(made: Deployment, length: int, batch: int) -> None:
    most = made.largest_batch(length)
    assert made.bytes_per_step(length, most) <= made.devices * made.device.memory or most == 0
    if most:
        assert made.bytes_per_step(length, most + 1) > made.devices * made.device.memory


def test_a_table_has_every_prompt_in_every_batch_and_reads_the_last_token_anew() -> None:
    told = list(latencies(MHA, [512, 4096], [1, 100], shared=4096))
    assert [(each.prompt, each.batch, each.fits) for each in told] == [
        (512, 1, True),
        (512, 100, True),
        (4096, 1, True),
        (4096, 100, False),
    ]
    assert told[0].first_token == MHA.prefill(1, 511)
    assert told[0].rate == min(told[0].memory_bound_rate, told[0].compute_bound_rate)
