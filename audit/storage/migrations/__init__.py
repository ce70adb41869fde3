"""Migrations of the tables, by Alembic: one module each in `versions`, applied when a process starts."""
