"""`python -m effects`: writes `docs/effects.md`; `make generate` runs it."""

from effects.field_effects import FILE, document

FILE.write_text(document())
