"""The stores in SQL: written once for SQLite and PostgreSQL, executed through an `Executor`."""
