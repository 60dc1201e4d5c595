import pytest

from deploy.launch.threads import budget, variables


@pytest.mark.parametrize(("cores", "asr"), [(1, 1), (2, 1), (4, 2), (8, 4), (64, 8)])
def test_hearing_and_speaking_share_the_cores(cores: int, asr: int) -> None:
    assert budget("asr", cores) == budget("tts", cores) == asr
    assert budget("orchestrator", cores) == 1


def test_what_the_user_sets_stays() -> None:
    chosen = variables("asr", 8, {"OMP_NUM_THREADS": "2"})
    assert "OMP_NUM_THREADS" not in chosen
    assert chosen["OMP_WAIT_POLICY"] == "PASSIVE"
    assert chosen["MKL_NUM_THREADS"] == "4"


def test_only_tts_is_told_its_own_threads_and_to_spin_a_moment() -> None:
    assert variables("tts", 8, {})["TTS_THREADS"] == "4"
    assert variables("tts", 8, {})["GOMP_SPINCOUNT"] == "10000"
    assert not any(name.startswith(("ASR_", "TTS_", "GOMP_")) for name in variables("asr", 8, {}))
