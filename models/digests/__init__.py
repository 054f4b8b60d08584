"""Daily digests: what is sent by all partitions becomes each owner's list, within what people can do in a day.

`backlog.py` puts the partitions' records into the order of boundaries, `ranking.py` says who comes first, `lists.py`
keeps the open alerts and makes the digests of a boundary, `lines.py` writes them.
"""
