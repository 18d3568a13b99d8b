"""Alembic migrations of the store, run at start. `HEAD` is the newest revision: a database that is
already there starts without loading Alembic."""

HEAD = "0018"
