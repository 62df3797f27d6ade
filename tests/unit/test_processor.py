"""Which processors can run the vector store."""

import pytest

from kibitz.indexer.processor import missing_for_store, missing_in

NEW = "processor : 0\nflags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 avx f16c fma avx2 bmi2\nbugs : spectre_v1"
OLD = "processor : 0\nflags\t\t: fpu sse sse2 ssse3 sse4_1 sse4_2 avx f16c\nbugs : spectre_v1"
MAC = "FPU VME SSE SSE2 SSE3 AVX1.0\nRDWRFSGS SMEP BMI1 AVX2 BMI2"


@pytest.mark.parametrize("flags", [NEW, MAC, "", "Features : fp asimd evtstrm", "flags unknown"])
def test_a_processor_with_avx2_or_of_another_kind_is_fine(flags: str) -> None:
    assert missing_in(flags) == ""


@pytest.mark.parametrize("flags", [OLD, MAC.replace(" AVX2", ""), OLD + " avx2_is_not_this_word"])
def test_a_processor_without_avx2_is_a_sentence(flags: str) -> None:
    said = missing_in(flags)
    assert said.startswith("This processor has no AVX2")
    assert said.endswith("search works all the same.")


def test_this_machine_can_be_asked() -> None:
    assert missing_for_store() in {"", missing_in(OLD)}
