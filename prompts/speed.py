"""How fast a transformer can read a prompt and answer it: the roofline of its arithmetic and its memory.

A step takes as long as the slower of two things (Williams et al. 2009, "Roofline"): moving its bytes at the memory's
bandwidth, or doing its floating-point operations at the processor's rate. The bytes and operations of a dense decoder
are those of Pope et al. 2022, "Efficiently Scaling Transformer Inference", sections 2 and 3:

* weights are read once a step, whatever the batch; each multiplies and adds once a token: 2 operations a parameter
* keys and values of every earlier token are read once a sequence and step; a token meets each of them in two products
  of head_size for every attention head: 4 * layers * heads * head_size operations
* one key/value head for all attention heads (Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You
  Need"), or one for a group of them, makes the first part of that smaller and leaves the operations as they are

These are limits: real kernels reach a part of either rate, and nothing is counted for activations, for sampling or for
what devices tell each other. Sizes are in bytes, rates in bytes and operations a second, times in seconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Bound = Literal["weights", "KV cache", "compute"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The dimensions of a dense decoder that decide on its speed; all are above 0."""

    name: str
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Device:
    """What reads and computes: bytes a second, dense operations a second, bytes of memory."""

    name: str
    bandwidth: float
    flops: float
    memory: float


@dataclass(frozen=True, slots=True)
class Step:
    """One pass through the model: how long each of its parts takes on its own; moving and computing overlap."""

    weights_s: float
    kv_s: float
    compute_s: float

    @property
    def memory_s(self) -> float:
        """How long moving its bytes takes."""
        return self.weights_s + self.kv_s

    @property
    def seconds(self) -> float:
        """How long it takes at least."""
        return max(self.memory_s, self.compute_s)

    @property
    def bound(self) -> Bound:
        """What it waits for most."""
        if self.compute_s > self.memory_s:
            return "compute"
        return "weights" if self.weights_s >= self.kv_s else "KV cache"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model on one or several devices, at a precision.

    Weights and operations are shared out evenly. A cache is shared out by sequence and key/value head, whichever there
    are more of (Pope et al., section 3.3): one sequence with one such head stays on one device.
    """

    architecture: Architecture
    device: Device
    devices: int = 1
    weight_bits: float = 16
    kv_bits: float = 16

    @property
    def weight_bytes(self) -> float:
        """What the weights take."""
        return self.architecture.parameters * self.weight_bits / 8

    @property
    def kv_bytes_per_token(self) -> float:
        """What one token adds to the cache: a key and a value in each layer and key/value head."""
        model = self.architecture
        return 2 * model.layers * model.kv_heads * model.head_size * self.kv_bits / 8

    def bytes_per_step(self, length: int, batch: int = 1) -> float:
        """Bytes read to generate one token for each of `batch` sequences that are `length` tokens long."""
        return self.weight_bytes + batch * length * self.kv_bytes_per_token

    def decode(self, length: int, batch: int = 1) -> Step:
        """The step that generates one token for each of `batch` sequences that are `length` tokens long."""
        return self._step(new=1, met=length, cached=length, batch=batch)

    def prefill(self, new: int, shared: int = 0, batch: int = 1) -> Step:
        """The step that reads `new` tokens a sequence behind `shared` ones whose keys and values are cached.

        Each new token meets the shared ones, itself and the new ones before it: that part grows with the square. Its
        end is the first token of the answer.
        """
        met = shared * new + new * (new + 1) // 2
        return self._step(new=new, met=met, cached=shared + new, batch=batch)

    def largest_batch(self, length: int) -> int:
        """How many sequences of `length` tokens fit the memory beside the weights; 0 when none does."""
        room = self.devices * self.device.memory - self.weight_bytes
        sequences = room / (length * self.kv_bytes_per_token)
        spread = sequences * self.architecture.kv_heads >= self.devices
        return int(sequences) if spread and sequences >= 1 else 0

    def _step(self, *, new: int, met: int, cached: int, batch: int) -> Step:
        model, device = self.architecture, self.device
        attention = 4 * model.layers * model.heads * model.head_size * met
        operations = batch * (2 * model.parameters * new + attention)
        spread = min(self.devices, model.kv_heads * batch)
        return Step(
            weights_s=self.weight_bytes / (self.devices * device.bandwidth),
            kv_s=batch * cached * self.kv_bytes_per_token / (spread * device.bandwidth),
            compute_s=operations / (self.devices * device.flops),
        )


@dataclass(frozen=True, slots=True)
class Latency:
    """What to expect of one length of prompt in one batch."""

    deployment: Deployment
    prompt: int
    batch: int
    first_token: Step
    token: Step

    @property
    def fits(self) -> bool:
        """Whether weights and caches fit the memory."""
        return self.batch <= self.deployment.largest_batch(self.prompt)

    @property
    def rate(self) -> float:
        """Tokens a second of each sequence."""
        return 1 / self.token.seconds

    @property
    def memory_bound_rate(self) -> float:
        """Tokens a second of each sequence, were computing free."""
        return 1 / self.token.memory_s

    @property
    def compute_bound_rate(self) -> float:
        """Tokens a second of each sequence, were memory free."""
        return 1 / self.token.compute_s


def latencies(
    deployment: Deployment, prompts: Iterable[int], batches: Iterable[int], shared: int = 0
) -> Iterator[Latency]:
    """Tell of each length of prompt in each batch; of every prompt up to `shared` tokens are in the cache already.

    The last token of a prompt is always read anew: its pass gives the first token of the answer.
    """
    sizes = tuple(batches)
    for prompt in prompts:
        cached = min(shared, prompt - 1)
        for batch in sizes:
            first = deployment.prefill(prompt - cached, cached, batch)
            yield Latency(deployment, prompt, batch, first, deployment.decode(prompt, batch))
