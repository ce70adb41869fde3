"""Rows as what the query API answers."""

import json

from audit.answer_models import Kept, Summary
from audit.storage.entries import parsed
from audit.storage.tables import Found, reports
from events.report import Subject

SHORT = (reports.c.sequence, reports.c.change, reports.c.kept, reports.c.summary)
WHOLE = (reports.c.sequence, reports.c.change, reports.c.id, reports.c.type, reports.c.kept, reports.c.report)


def summary(row: Found) -> Summary:
    """A report in short, of `SHORT`."""
    return Summary.model_validate({**json.loads(row.summary), "sequence": row.sequence, "kept": row.kept})


def whole(row: Found) -> Kept:
    """A report as it was sent, of `WHOLE`."""
    return Kept(sequence=row.sequence, id=row.id, type=row.type, kept=row.kept, report=parsed(row.report))


def subject(row: Found) -> Subject:
    """The object that a generation is of."""
    return Subject(api_version=row.api_version, kind=row.kind, namespace=row.namespace, name=row.name, uid=row.uid)
