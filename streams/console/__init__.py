"""Pages for a terminal: alerts as a list, one customer, the course of engagement."""
