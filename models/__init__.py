"""What the product believes about a customer. Pure: no broker, no clock, no log, no input or output.

May import `schemas`, numpy, msgspec, and River in `learning.churn` alone. On top lie values only (`calendar`, `config`,
`labels`), which import no room. The rooms, each importing those before it: customers, measures, catalogue; scoring on
the first two; alerts on all of these; learning on scoring and catalogue; engine on everything. `detection` stands
beside them.
"""
