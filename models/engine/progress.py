"""How far a partition has come, for who waits for every partition: the learner, and who makes the lists of owners."""

from msgspec import UNSET

from models.customers.distributions import told_of
from models.engine.review import Message, Review
from models.scoring.snapshots import last_complete
from models.scoring.version import Version
from schemas.example import ProgressV1
from schemas.reviewed import ReviewedV1


def progress_of(number: int, review: Review, version: Version | None) -> list[Message]:
    """Behind all that was decided of a boundary, once everybody was judged; nothing before."""
    if not review.is_done:
        return []
    boundary, basis, scoring = review.customers.boundary, review.rules.basis, review.scoring
    at = basis.calendar.text_of(boundary)
    found: list[Message] = [ReviewedV1(number, at, review.rules.hash)]
    if basis.learning is not None and scoring is not None:
        complete = basis.calendar.text_of(last_complete(boundary, basis.learning))
        name = None if version is None else version.name
        distributions = told_of(review.customers) if basis.running else UNSET
        found.append(ProgressV1(number, at, complete, name, risks=scoring.given or UNSET, distributions=distributions))
    return found
