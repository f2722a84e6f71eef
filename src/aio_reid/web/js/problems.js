// Where a problem is shown: beside what it is about.
import { byId } from "./dom.js";
import { askForKey } from "./key.js";
import { KINDS } from "./words.js";

const FIELDS = ["since", "until", "camera", "track", "top", "weight", "modality"];

/** The id of the box that a problem belongs to. */
export function placeOf(problem) {
  const words = new Set(problem.message.toLowerCase().match(/[a-z_]+/g) ?? []);
  if (words.has("sentence") || words.has("text")) return "problem-text";
  const kind = Object.keys(KINDS).find((name) => words.has(name) && byId(`problem-${name}`));
  const field = FIELDS.find((name) => words.has(name));
  return words.has("weight") || !kind ? `problem-${field ?? "question"}` : `problem-${kind}`;
}

/** Show a problem where it belongs, and go there. */
export function tell(problem, place = placeOf(problem)) {
  if (problem.status === 401 || problem.code === "scope_needed") {
    askForKey(problem);
    return;
  }
  if (typeof problem.code !== "string") console.error(problem); // a mistake of this page, not of its user
  const box = byId(place) ?? byId("problem-question");
  box.textContent = problem.remedy ? `${problem.message}: ${problem.remedy}.` : problem.message;
  box.hidden = false;
  const folded = box.closest("details");
  if (folded) folded.open = true;
  box.scrollIntoView({ block: "nearest" });
}

/** Forget what was shown. */
export function clearProblems() {
  for (const box of document.querySelectorAll("main .problem")) {
    box.hidden = true;
    box.textContent = "";
  }
}

