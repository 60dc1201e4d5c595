"""Each row is processed with its own values, in the package's order."""

import pytest
import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from services.tts.engines.chatterbox.sampling import RowValues, draw, process
from services.tts.engines.chatterbox.variants import Order, SamplingParams

VOCABULARY = 500
ROWS = (
    SamplingParams(0.8, top_k=1000, top_p=0.95, min_p=0.05, repetition_penalty=1.2),
    SamplingParams(1.3, top_k=1, top_p=0.5, min_p=0.0, repetition_penalty=2.0),
    SamplingParams(0.5, top_k=40, top_p=1.0, min_p=0.2, repetition_penalty=1.0),
    SamplingParams(1.0, top_k=0, top_p=0.0, min_p=0.01, repetition_penalty=1.1),
)


def theirs(params: SamplingParams, order: Order) -> LogitsProcessorList:
    """The package's processors for one request."""
    penalty = RepetitionPenaltyLogitsProcessor(params.repetition_penalty)
    temperature = TemperatureLogitsWarper(params.temperature)
    top_k = [TopKLogitsWarper(params.top_k)] if params.top_k else []
    top_p = TopPLogitsWarper(params.top_p)
    if order is Order.PENALTY_LAST:
        return LogitsProcessorList([temperature, *top_k, top_p, penalty])
    return LogitsProcessorList([penalty, temperature, MinPLogitsWarper(params.min_p), top_p])


@pytest.mark.parametrize("order", list(Order), ids=lambda order: order.name)
def test_rows_of_a_batch_are_processed_as_the_package_does_each(order: Order) -> None:
    torch.manual_seed(1)
    logits = 3 * torch.randn(len(ROWS), VOCABULARY)
    said = torch.randint(0, VOCABULARY, (len(ROWS), 30))
    seen = torch.zeros(len(ROWS), VOCABULARY, dtype=torch.bool).scatter(1, said, value=True)
    values = RowValues.of(ROWS, VOCABULARY, logits.device)
    processed = process(logits, seen, values, order)
    for row, params in enumerate(ROWS):
        expected = theirs(params, order)(said[row : row + 1], logits[row : row + 1].clone())
        torch.testing.assert_close(processed[row], expected[0], atol=1e-6, rtol=0)


def test_a_seed_draws_what_torch_draws_from_it_alone() -> None:
    torch.manual_seed(2)
    logits = torch.randn(3, VOCABULARY)
    alone = []
    for row in range(3):
        torch.manual_seed(40 + row)
        probabilities = logits[row : row + 1].softmax(-1)
        alone.append(int(torch.multinomial(probabilities, 1)))
    generators = [torch.Generator().manual_seed(40 + row) for row in range(3)]
    assert draw(logits, generators).tolist() == alone
