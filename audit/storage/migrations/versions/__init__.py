"""Each migration spells out what it does: the tables that it knew are not those of today."""
