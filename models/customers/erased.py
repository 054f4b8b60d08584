"""Who is erased, and who is about to be: of them nothing is taken in.

Of who is erased a salted hash is kept, for ever: so what comes late or later does not bring the customer back.
"""

from schemas.erasure import erased_name


class Erased:
    """The block-list of a partition. Asked of customers who are not on the roster, and of those about to leave it."""

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self.since: dict[str, int] = {}
        """By the name of who is erased (`schemas.erasure`), the boundary as of which it was."""
        self.due: dict[str, int] = {}
        """By customer id, the boundary at which an erasure takes effect that is known already."""
        self.unswept: set[str] = set()
        """Names of whom something may still lie among the outputs; whoever sweeps them takes the names out."""

    def __bool__(self) -> bool:
        return bool(self.since or self.due)

    def name_of(self, customer_id: str) -> str:
        """The name that a customer has once erased."""
        return erased_name(self.salt, customer_id)

    def is_erased(self, customer_id: str) -> bool:
        """Whether a customer is erased, by id."""
        return bool(self.since) and self.name_of(customer_id) in self.since

    def expect(self, customer_id: str, boundary: int) -> None:
        """A customer is to be erased at a boundary; of several the first one counts."""
        self.due[customer_id] = min(boundary, self.due.get(customer_id, boundary))

    def refuses(self, customer_id: str, day: int, boundary: int) -> bool:
        """Whether what happened on a day counts for nothing, now that a boundary was passed: the customer is erased.

        Or will be: then what belongs to days before that still counts until it is so.
        """
        due = self.due.get(customer_id)
        return (due is not None and (day >= due or boundary >= due)) or self.is_erased(customer_id)

    def boundary_of(self, customer_id: str) -> int | None:
        """As of which boundary a customer is erased, or will be; None for who stays, as far as is known."""
        due = self.due.get(customer_id)
        return due if due is not None else self.since.get(self.name_of(customer_id)) if self.since else None

    def erase(self, customer_id: str, boundary: int) -> str:
        """A customer is erased as of a boundary; the name from now on."""
        self.due.pop(customer_id, None)
        name = self.name_of(customer_id)
        self.since[name] = min(boundary, self.since.get(name, boundary))
        self.unswept.add(name)
        return name
