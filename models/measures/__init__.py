"""What can be asked about a customer: one class a measure, windows of whole days, and `AsOf`, all a condition reads.

A new measure is a class in `daily` or `scalars`, registered by its decorator. May import `models.customers`, the values
on top of `models` and numpy; the catalogue's language finds measures by name.
"""
