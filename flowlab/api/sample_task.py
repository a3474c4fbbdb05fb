"""A task for tests of executors, which imports nothing heavy, as new processes load it."""

from __future__ import annotations

import os
import signal
import time


def sample_task(order: str) -> str:
    """Carry out `say TEXT`, `fill COUNT`, `sleep SECONDS`, `show VARIABLE`, `exit CODE` or `die`.

    `say` and `fill` return a text, `show` an environment variable, any other order the process id. `exit` raises
    SystemExit, and `die` kills the process.
    """
    word, _, rest = order.partition(" ")
    match word:
        case "say":
            return rest
        case "fill":
            return "é" * int(rest)
        case "sleep":
            time.sleep(float(rest))
        case "show":
            time.sleep(0.2)  # long enough for another process to take the next
            return os.environ.get(rest, "")
        case "exit":
            raise SystemExit(int(rest))
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
    return str(os.getpid())
