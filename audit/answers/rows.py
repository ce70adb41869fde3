"""Turns rows into the models that the query API answers with."""

import json

from audit.answer_models import StoredReport, Summary
from audit.storage.entries import parsed
from audit.storage.tables import TableRow, reports
from events.report import Subject

SUMMARY_COLUMNS = (reports.c.sequence, reports.c.change, reports.c.kept, reports.c.summary)
REPORT_COLUMNS = (reports.c.sequence, reports.c.change, reports.c.id, reports.c.type, reports.c.kept, reports.c.report)


def summary(row: TableRow) -> Summary:
    """Return the summary of a report from a row with the columns `SUMMARY_COLUMNS`."""
    return Summary.model_validate({**json.loads(row.summary), "sequence": row.sequence, "kept": row.kept})


def stored_report(row: TableRow) -> StoredReport:
    """Return a whole report from a row with the columns `REPORT_COLUMNS`."""
    return StoredReport(sequence=row.sequence, id=row.id, type=row.type, kept=row.kept, report=parsed(row.report))


def subject(row: TableRow) -> Subject:
    """Return the object of a row of table `changes`."""
    return Subject(api_version=row.api_version, kind=row.kind, namespace=row.namespace, name=row.name, uid=row.uid)
