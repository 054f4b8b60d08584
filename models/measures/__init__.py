"""What can be asked about a customer: one class a measure. Imports `models.customers`; the catalogue names measures."""
