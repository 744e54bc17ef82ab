"""How many calls may go into finding the rows that make a vendor refuse a whole batch."""

import math
from dataclasses import dataclass, field

from connector.crm.base import WriteResult

NOT_TRIED = "NOT_TRIED"


@dataclass
class Search:
    """Count the calls of a search in one batch of so many rows.

    One poison row is found by 2 log2(n) calls, and two by twice as many. Beyond that the rest of the batch waits for
    the next run: where every row is poison, the search would cost more calls than rows.
    """

    rows: int
    _spent: int = field(init=False, default=0)

    def goes_on(self) -> bool:
        """Tell whether another call may be spent, and count it."""
        self._spent += 1
        return self._spent <= 4 * math.ceil(math.log2(max(self.rows, 2))) + 4


def not_tried(code: str, message: str) -> WriteResult:
    """Answer for a row that the search did not come to; it says what the batch was refused for."""
    return WriteResult(code=NOT_TRIED, message=f"the batch was refused, {code}: {message}", retry=True)
