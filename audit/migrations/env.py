"""What Alembic runs: migrations on the connection that `audit.schema_upgrade` hands over, within its transaction."""

from alembic import context

from audit.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
