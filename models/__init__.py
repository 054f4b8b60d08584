"""What the product believes about a customer. Pure: no broker, no clock, no I/O. May import `schemas` only."""
