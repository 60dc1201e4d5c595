"""What becomes of Redis's failures."""

import pytest
from redis.exceptions import ConnectionError as RedisCut
from redis.exceptions import ResponseError

from shared.errors import UpstreamFailed
from shared.store import answering


@pytest.mark.parametrize("raised", [RedisCut(), ResponseError(), TimeoutError(), OSError()])
def test_whatever_redis_lacks_may_be_tried_again(raised: Exception) -> None:
    with pytest.raises(UpstreamFailed) as caught, answering():
        raise raised
    assert caught.value.retry_after_s == 1
