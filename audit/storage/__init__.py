"""From an event to rows that outlive the process: checked, assigned to a generation, stored once, forgotten in time.

intake         an event comes in; it is answered when its rows are on the disk
signing        only what our functions signed is kept
hints          an event about one of our resources is a hint to read it
edits          what somebody changed in a resource
entries        the rows that an event becomes
dropped_events events that are not kept, counted by reason
generations    which generation of which resource an entry belongs to
store          stores each entry once, in one order
tables         the tables, for SQLite and PostgreSQL
totals         how much is kept of each namespace
retention      deletes what is old or too much
database       the connection
schema_upgrade Alembic migrations at start
"""
