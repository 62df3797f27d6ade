"""Dimensions of public models and figures of public data sheets, to reckon speeds with.

Models: their own configuration files. Devices: dense rates without sparsity, of 16-bit numbers where there are units
for them: NVIDIA's data sheets (A100 and H100 in their SXM form, the Ada whitepaper for the RTX 4090 with 32-bit
accumulation) and Apple's press releases (M2 Max with 38 GPU cores and the largest memory; the rate is of 32-bit
numbers). No data sheet tells what a processor computes: `laptop` is eight cores at 3 GHz with two 256-bit multiply-adds
a cycle on two channels of DDR5-5600.
"""

from collections.abc import Mapping

from kibitz.prompts.speed import Architecture, Device

MODELS: Mapping[str, Architecture] = {
    model.name: model
    for model in (
        Architecture("llama-2-7b", layers=32, heads=32, kv_heads=32, head_size=128, parameters=6_738_415_616),
        # As above with one key/value head, and the feed-forward layers as much wider as Shazeer 2019 makes them.
        Architecture("7b-mqa", layers=32, heads=32, kv_heads=1, head_size=128, parameters=6_738_415_616),
        Architecture("llama-3-8b", layers=32, heads=32, kv_heads=8, head_size=128, parameters=8_030_261_248),
        Architecture("qwen2.5-coder-7b", layers=28, heads=28, kv_heads=4, head_size=128, parameters=7_615_616_512),
        Architecture("smollm2-135m", layers=30, heads=9, kv_heads=3, head_size=64, parameters=134_515_008),
    )
}

DEVICES: Mapping[str, Device] = {
    device.name: device
    for device in (
        Device("a100-80g", bandwidth=2.039e12, flops=312e12, memory=80e9),
        Device("h100", bandwidth=3.35e12, flops=989.4e12, memory=80e9),
        Device("rtx-4090", bandwidth=1.008e12, flops=165.2e12, memory=24e9),
        Device("m2-max", bandwidth=400e9, flops=13.6e12, memory=96e9),
        Device("laptop", bandwidth=2 * 8 * 5.6e9, flops=8 * 3e9 * 32, memory=16e9),
    )
}
