// A record as one HTML file that needs nothing else, for a browser, a printer, or a file of the case.
import { KINDS, bandOf, factsOf, scoreOf } from "./words.js";

const SAFE = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as HTML shows it, in elements and in quoted attributes. */
export const escaped = (text) => String(text).replaceAll(/[&<>"']/g, (sign) => SAFE[sign]);

const row = ([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`;

const table = (rows) => `<table>${rows.filter(([, value]) => value !== null && value !== "").map(row).join("")}</table>`;

/** The file's text; `style` is its style sheet, empty where it is shown with one already. */
export function htmlOf(record, style) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Shortlist – AIO-ReID</title>
${style && `<style>
${style}
</style>`}
</head>
<body>
<h1>Shortlist</h1>
<p>Written ${escaped(record.written)} by ${escaped(record.program)}</p>
<p class="statement"><strong>A lead, not an identification.</strong> ${escaped(record.statement)}</p>
${record.hits.map((hit) => hitPart(hit, record.searches[hit.search - 1])).join("\n")}
<h2>What was asked</h2>
${record.searches.map(searchPart).join("\n")}
</body>
</html>
`;
}

function hitPart(hit, search) {
  const band = bandOf(hit, search);
  const rows = [["note", hit.note], ["marked", hit.verdict ?? ""], ["rank", `${hit.rank} in search ${hit.search}`],
    ["score", scoreOf(hit)], ["meaning", `${band.label}; ${band.text}`], ...factsOf(hit), ["path", hit.path],
    ["SHA-256 of the file", hit.content], ["gallery", `${hit.gallery}, picture ${hit.id}, version ${hit.gallery_version}`]];
  const picture = hit.picture === null ? `<p>no picture: ${escaped(hit.picture_problem)}</p>`
    : `<img src="${escaped(hit.picture)}" alt="picture ${escaped(hit.id)}">`;
  return `<section>${picture}${table(rows)}</section>`;
}

function searchPart(search) {
  const marked = (ones) => ones.map(({ gallery, id }) => `${gallery} ${id}`).join(", ");
  const weights = Object.entries(search.weights).map(([kind, weight]) => `${kind} ${weight}`).join(", ");
  const rows = [["time", search.time], ["sentence", search.sentence], ["not read", search.unread_words.join(" ")],
    ["query", Object.entries(search.query).map(([kind, count]) => `${count} ${kind}`).join(", ")],
    ["SHA-256 of the query", search.query_sha256], ["weights of kinds", weights || "the model's"], ["fusion", search.fusion],
    ["like", marked(search.like)], ["unlike", marked(search.unlike)], ["only", search.filters.join("; ")],
    ["searched", `${search.num_searched} of ${search.num_pictures} pictures`],
    ["presence", search.presence?.text ?? "not calibrated"], ["notes", search.notes.join("; ")],
    ["gallery", `${search.gallery.name} (${search.gallery.id}), version ${search.gallery.version}`],
    ["SHA-256 of the weights", search.weights_sha256]];
  const pictures = search.pictures.map((one) => `<figure><img src="${escaped(one.picture)}" alt="${escaped(one.name)}">
<figcaption>${escaped(KINDS[one.kind].label)}</figcaption></figure>`).join("");
  return `<section><h3>Search ${search.number}</h3>${pictures}${table(rows)}</section>`;
}
