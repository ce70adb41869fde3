"""Alembic migrations of the tables: one module each in `versions`, applied when a process starts."""
