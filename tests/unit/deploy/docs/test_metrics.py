from deploy.docs import metrics
from deploy.docs.services import metrics as declared


def test_every_declared_metric_is_listed_with_kind_labels_and_meaning() -> None:
    page = metrics.document()
    assert "| `parley_asr_refused_total` | counter | `code` | " in page
    assert "| `parley_tts_model_step_seconds` | histogram | `lane` | " in page
    for service in declared():
        assert f"## {service}\n" in page
