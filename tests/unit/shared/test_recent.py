"""What was used last stays; the rest goes, one by one."""

from shared.recent import Recent


def test_the_least_recently_used_goes_first() -> None:
    recent = Recent[str, int](2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (list(recent), recent.get("b")) == (["a", "c"], None)


def test_a_value_put_again_is_replaced_and_counts_as_used() -> None:
    recent = Recent[str, int](2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        recent.put(key, value)
    assert list(recent) == ["a", "c"]
    assert (recent.get("a"), len(recent)) == (3, 2)


def test_a_dropped_key_is_gone_and_may_be_dropped_again_while_all_are_looked_through() -> None:
    recent = Recent[str, int](2)
    recent.put("a", 1)
    recent.put("b", 2)
    for key in recent:
        recent.drop(key)
        recent.drop(key)
    assert len(recent) == 0
