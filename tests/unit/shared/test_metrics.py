"""Names carry service and unit; two services do not share a registry."""

from shared.metrics import Metrics


def test_the_exposition_names_service_metric_and_labels() -> None:
    metrics = Metrics("asr")
    metrics.refused.labels("at_capacity").inc()
    text, content_type = metrics.exposition()
    assert b'parley_asr_refused_total{code="at_capacity"} 1.0' in text
    assert content_type.startswith("text/plain")


def test_each_has_a_registry_of_its_own() -> None:
    first, second = Metrics("tts"), Metrics("tts")
    first.errors.labels("x").inc()
    assert b'code="x"' not in second.exposition()[0]
