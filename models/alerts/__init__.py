"""From conditions to alert revisions: the lifecycle, early firing, cases, corroboration, what is published.

Also what people answered, escalation of what nobody did, and signals that left the catalogue, whose alerts are closed.
May import `models.catalogue`, `models.measures`, `models.customers` and `models.scoring`; asks nobody what time it is.
"""
