// From a trace to lines on a scale: pure, no page in here.

const time = (text) => Date.parse(text);

// Where a report's parts lie, as parts of the episode's length between 0 and 1.
export function bars(report, episode) {
  const start = time(episode.began);
  const length = Math.max(1, episode.milliseconds);
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
