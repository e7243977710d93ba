"""How many files this process may have open, of which every connection is one."""

import resource
from contextlib import suppress

_MOST = 1_048_576
"""Enough for any server; what is started by one may look at each number below its limit."""


def raise_limit() -> int | None:
    """Take as many as the machine's hard limit allows; how many that are, ``None`` for any number.

    The soft limit, 1,024 as a rule, is there for programs that cannot count further.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems allow less than they say.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if most == resource.RLIM_INFINITY else most
