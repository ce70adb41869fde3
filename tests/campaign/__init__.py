"""Every resource driven from its own schema: one property at a time, in chains, and with what cannot be."""
