"""Runs Alembic's migrations on the connection of `audit.storage.schema_upgrade`, within its transaction."""

from alembic import context

from audit.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
