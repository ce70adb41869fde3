"""The migrations. Each spells out its tables, which may differ from those of `audit.storage.tables`."""
