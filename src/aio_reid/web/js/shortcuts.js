// The keyboard: every action of the page, listed under "?".
import { byId, el, open } from "./dom.js";

const WRITING = "textarea, select, input:not([type=radio], [type=checkbox], [type=range], [type=file])";

const KEYS = [
  ["Ctrl Enter", "search"],
  ["Ctrl Shift Enter", "search again with the marks"],
  ["Esc", "cancel the search, or close a window"],
  ["Ctrl Z", "undo in the drawing; with Shift redo"],
  ["/", "to the sentence"],
  ["r", "to the results"],
  ["l", "to the shortlist"],
  ["← →, j k", "on a hit: the one before or after"],
  ["y n u", "on a hit: yes, no, unsure"],
  ["s", "on a hit: onto the shortlist, or off it"],
  ["c", "on a hit: compare"],
  ["?", "this list"],
];

/** Make shortcuts work; `act` has search, again, cancel, pad, mark, list, compare. */
export function setUpShortcuts(act) {
  byId("keys").replaceChildren(...KEYS.flatMap(([keys, does]) =>
    [el("dt", {}, ...keys.split(" ").map((key) => el("kbd", {}, key))), el("dd", {}, does)]));
  byId("open-help").addEventListener("click", () => open(byId("help")));
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    const isDone = event.ctrlKey || event.metaKey ? withControl(event, act) : single(event, act);
    if (isDone) event.preventDefault();
  });
}

function withControl(event, act) {
  if (event.key === "Enter") {
    if (event.shiftKey) act.again();
    else act.search();
    return true;
  }
  if (event.key.toLowerCase() !== "z" || event.target.matches(WRITING)) return false;
  if (event.shiftKey) act.pad.redo();
  else act.pad.undo();
  return true;
}

function single(event, act) {
  if (event.key === "Escape") {
    act.cancel();
    return true;
  }
  if (event.altKey || event.target.matches(WRITING) || !byId("single-keys").checked) return false;
  const card = event.target.closest(".hit");
  return (card && onCard(event.key, card, act)) || anywhere(event.key);
}

function anywhere(key) {
  const goal = { "/": "sentence", r: "results", l: "shortlist" }[key];
  if (key === "?") open(byId("help"));
  else if (goal === "results") (document.querySelector("#answers .hit") ?? byId(goal)).focus();
  else if (goal) byId(goal).focus();
  else return false;
  return true;
}

function onCard(key, card, act) {
  const { hit, answer } = card;
  const verdict = { y: "yes", n: "no", u: "unsure" }[key];
  const step = { ArrowRight: 1, j: 1, ArrowLeft: -1, k: -1 }[key];
  if (verdict) act.mark(hit, answer, verdict);
  else if (key === "s") act.list(hit, answer);
  else if (key === "c") act.compare(hit, answer);
  else if (step) {
    const cards = [...document.querySelectorAll("#answers .hit")];
    cards[cards.indexOf(card) + step]?.focus();
  } else return false;
  return true;
}
