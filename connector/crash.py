"""Named points at which a test may end the process as a power cut would; nothing else ever sets what arms them."""

import os

ARMED = "CRASH_TEST_AT"  # `name:n` or `:n`: die when the point of that name, or any point, is passed for the nth time
TRACE = "CRASH_TEST_TRACE"  # a file that gets the name of every point that is passed
KILLED = 137


def crash_point(name: str) -> None:
    """Pass a point of a run, and end the process there, without any clean-up, where a test asked for it."""
    if ARMED in os.environ:
        _count_down(name)
    if TRACE in os.environ:
        with open(os.environ[TRACE], "a", encoding="utf-8") as trace:  # noqa: PTH123 - no objects where none are needed
            trace.write(f"{name}\n")


def _count_down(name: str) -> None:
    """Keep the count in the environment itself, so that the module holds no state."""
    wanted, _, left = os.environ[ARMED].rpartition(":")
    if wanted not in ("", name):
        return
    if int(left) <= 1:
        os._exit(KILLED)
    os.environ[ARMED] = f"{wanted}:{int(left) - 1}"
