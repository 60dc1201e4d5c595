"""What an operator sees of the steps."""

from shared.metrics import Metrics
from shared.scheduling.job import Job
from shared.scheduling.metrics import SchedulingMetrics


def test_steps_waits_and_failures_are_counted() -> None:
    metrics = Metrics("asr")
    observer = SchedulingMetrics(metrics)
    observer.stepped(1, [Job[int, int](1), Job[int, int](2)], 0.25, 7)
    observer.began(2, 1.5)
    observer.failed("out_of_memory")
    text = metrics.exposition()[0].decode()
    for line in (
        'parley_asr_model_step_seconds_sum{lane="1"} 0.25',
        'parley_asr_model_batch_size_sum{lane="1"} 2.0',
        'parley_asr_queue_seconds_sum{priority="2"} 1.5',
        "parley_asr_queue_depth 7.0",
        'parley_asr_model_step_failures_total{code="out_of_memory"} 1.0',
    ):
        assert line in text
