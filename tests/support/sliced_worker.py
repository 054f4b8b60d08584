"""The worker as it is, but for a midnight's reviews in small pieces: a kill then finds it in the middle of one."""

from __future__ import annotations

import sys
from typing import Final

from streams.__main__ import main
from streams.agents import customers

REVIEWS: Final = 7

PROGRAM: Final = (sys.executable, __file__)

if __name__ == "__main__":
    customers.REVIEWS_A_FRAME = REVIEWS
    main(["worker"])
