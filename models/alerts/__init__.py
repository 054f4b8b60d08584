"""From conditions to alert revisions: the life of an alert, early firing, corroboration, and what is published.

Imports `models.catalogue`, `models.measures` and `models.customers`.
"""
