"""The events this operator emits and answers to: their types, and the data they carry."""
