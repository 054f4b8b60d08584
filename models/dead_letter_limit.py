"""When too much of the input is refused, the source is broken and not a record: the worker stops."""

from models.partition_record import State

REJECTIONS_IN_A_ROW = 1_000
REJECTION_WINDOW = 10_000
REJECTION_SHARE = 0.05
"""Past these limits the source is broken, not a record: stopping keeps the dead-letter topic from taking it all."""


class DeadLetterLimitError(Exception):
    """Too much of the input is refused: the worker stops instead of pouring a broken source into the dead letters."""

    def __init__(self, in_a_row: int, of_last: int) -> None:
        super().__init__(
            f"{in_a_row} records refused in a row, {of_last} of the last {REJECTION_WINDOW}; limits are "
            f"{REJECTIONS_IN_A_ROW} in a row and {REJECTION_SHARE:.0%}"
        )
        self.in_a_row, self.of_last = in_a_row, of_last

    def __reduce__(self) -> tuple[type["DeadLetterLimitError"], tuple[int, int]]:
        return type(self), (self.in_a_row, self.of_last)


def count_rejection(state: State, reason: str, *, is_limited: bool) -> None:
    """Note a refused record; raises DeadLetterLimitError past the limits."""
    state.reasons[reason] = state.reasons.get(reason, 0) + 1
    if not is_limited:  # what passes knowingly is not held against what comes after
        state.rejected_in_a_row, state.rejected_at = 0, []
        return
    state.rejected_in_a_row += 1
    horizon = state.taken - REJECTION_WINDOW
    state.rejected_at = [at for at in state.rejected_at if at > horizon]
    state.rejected_at.append(state.taken)
    too_many = state.taken >= REJECTION_WINDOW and len(state.rejected_at) > REJECTION_SHARE * REJECTION_WINDOW
    if state.rejected_in_a_row > REJECTIONS_IN_A_ROW or too_many:
        raise DeadLetterLimitError(state.rejected_in_a_row, len(state.rejected_at))
