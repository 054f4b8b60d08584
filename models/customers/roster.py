"""Row numbers of customers, given in order of first sight; no result depends on them."""

import numpy as np

from models.customers.arrays import Bools, Rows


class Roster:
    """Customer id to row, and back."""

    __slots__ = ("ids", "rows")

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.rows: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def row_of(self, customer_id: str) -> int:
        """The customer's row, a new one at first sight."""
        row = self.rows.get(customer_id)
        if row is None:
            row = self.rows[customer_id] = len(self.ids)
            self.ids.append(customer_id)
        return row

    def set_ids(self, ids: list[str]) -> None:
        """Take over the customers of a snapshot."""
        self.ids = ids
        self.rows = {customer_id: row for row, customer_id in enumerate(ids)}

    def flagged(self, rows: Rows) -> Bools:
        """By row, whether it is among these."""
        flags = np.zeros(len(self.ids), np.bool_)
        flags[rows] = True
        return flags
