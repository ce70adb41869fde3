// From the reports of one trace to lines on a scale: pure, no page in here.
//
// A generation may be worked on at once when it is made, and again days later when something drifts. So what lies far
// apart is an episode of its own, each with its own scale.

const GAP = 10000; // milliseconds

const time = (text) => Date.parse(text);
// The API server keeps the time of an edit in whole seconds, the event says when it was sent to the millisecond.
const startOf = (report) => Math.min(time(report.began), report.cause.sent ? time(report.cause.sent) : Infinity);
const endOf = (report) => time(report.began) + report.milliseconds;

export function episodes(reports) {
  const found = [];
  for (const kept of [...reports].sort((one, other) => time(one.report.began) - time(other.report.began))) {
    const last = found[found.length - 1];
    if (last && startOf(kept.report) - last.end < GAP) {
      last.reports.push(kept);
      last.end = Math.max(last.end, endOf(kept.report));
      last.start = Math.min(last.start, startOf(kept.report));
    } else {
      found.push({ reports: [kept], start: startOf(kept.report), end: endOf(kept.report) });
    }
  }
  return found.map((one) => ({ ...one, last: lastWriters(one.reports) }));
}

// Which reconciles the end waited for: back from the last one, each time to the one whose write woke it, as far as
// that is known: the latest that ended before the event was sent.
function lastWriters(reports) {
  const chain = new Set();
  const writers = reports.filter((one) => one.report.changes.length);
  let current = writers.reduce((last, one) => (!last || endOf(one.report) > endOf(last.report) ? one : last), null);
  while (current && !chain.has(current.id)) {
    chain.add(current.id);
    const sent = current.report.cause.sent ? time(current.report.cause.sent) : time(current.report.began);
    const about = current.report.cause.object;
    const before = writers.filter((one) => !chain.has(one.id) && time(one.report.began) <= sent && touches(one.report, about));
    current = before.reduce((last, one) => (!last || time(one.report.began) > time(last.report.began) ? one : last), null);
  }
  return chain;
}

function touches(report, object) {
  if (!object) return true;
  return report.changes.some(({ object: { kind, name } }) => kind === object.kind && name === object.name);
}

// Where a report's parts lie, as parts of the episode's length between 0 and 1.
export function bars(report, { start, end }) {
  const length = Math.max(1, end - start);
  const place = (from, to) => ({ left: (from - start) / length, width: Math.max(0, to - from) / length });
  const began = time(report.began);
  const sent = report.cause.sent ? Math.min(time(report.cause.sent), began) : began;
  return {
    hop: { ...place(sent, began), milliseconds: began - sent },
    reconcile: { ...place(began, began + report.milliseconds), milliseconds: report.milliseconds },
    calls: report.calls.map((call) => ({ ...place(began + call.began, began + call.began + call.milliseconds), call })),
  };
}

// Round steps of a scale, about so many.
export function steps(milliseconds, about = 5) {
  const rough = Math.max(1, milliseconds) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const marks = [];
  for (let at = 0; at <= milliseconds; at += step) marks.push(at);
  return marks;
}
