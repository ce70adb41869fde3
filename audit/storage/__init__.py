"""Turns events into rows of a database: checks them, assigns each to a generation, stores it once, deletes old rows.

intake         receives an event, and acknowledges it when its rows are on disk
signing        verifies that our functions signed an event
edit_recorder  reads a resource from the API server after an event about it, and stores the edit
edits          what somebody changed in a resource
entries        the rows that an event becomes
dropped_events events that are not stored, counted by reason
generations    which generation of which resource an entry belongs to
store          stores each entry once, in one order
tables         the tables, for SQLite and PostgreSQL
totals         how much is stored about each namespace
retention      deletes rows that are too old or too many
database       the connection
schema_upgrade Alembic migrations at start
"""
