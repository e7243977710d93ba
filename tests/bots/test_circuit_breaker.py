"""When a model that is down is left alone, and when it is asked again."""

from folkmoot.bots.model.circuit_breaker import CircuitBreaker

DOWN = "It is down."


def broken(failures: int = 3) -> CircuitBreaker:
    breaker = CircuitBreaker(failures=failures, rest=2.0)
    for _ in range(failures):
        assert breaker.refused(100.0) is None
        breaker.failed(DOWN, 100.0)
    return breaker


def test_some_failures_in_a_row_keep_nobody_from_asking() -> None:
    breaker = broken(3)
    breaker.answered()

    for _ in range(2):
        breaker.failed(DOWN, 100.0)

    assert breaker.refused(100.0) is None


def test_after_more_of_them_nobody_asks_until_the_rest_is_over() -> None:
    breaker = broken()

    assert breaker.refused(101.9) == DOWN
    assert breaker.refused(102.0) is None


def test_after_a_rest_one_finds_out_whether_it_is_back() -> None:
    breaker = broken()
    breaker.refused(102.0)

    assert breaker.refused(102.1) == DOWN

    breaker.answered()
    assert breaker.refused(102.2) is None
    assert breaker.refused(102.2) is None


def test_one_that_is_never_heard_of_again_leaves_room_for_another() -> None:
    breaker = broken()
    breaker.refused(102.0)

    assert breaker.refused(104.0) is None


def test_each_failure_is_followed_by_a_rest() -> None:
    breaker = broken()
    breaker.refused(102.0)
    breaker.failed(DOWN, 105.0)

    assert breaker.refused(106.9) == DOWN
    assert breaker.refused(107.0) is None
