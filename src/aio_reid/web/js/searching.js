// One search at a time: busy while it runs, cancelled on demand or by the next one.
import * as api from "./api.js";
import { byId, say } from "./dom.js";
import { unreadableField } from "./filters.js";
import { formFor, isEmpty } from "./question.js";
import { clearProblems, tell } from "./problems.js";

let running = null;

/** Cancel the search that runs, if one does. */
export function cancel() {
  running?.abort();
}

/** Ask every chosen gallery; returns the answers, each with the question, or null where there are none to show. */
export async function searchAll(question) {
  clearProblems();
  if (isEmpty(question)) {
    tell({ message: "there is nothing to search by", remedy: "write, draw, add a picture, or mark a hit with yes", code: "" });
    return null;
  }
  if (!question.galleries.length) {
    tell({ message: "no gallery is chosen", remedy: "choose one under Where and when", code: "" });
    return null;
  }
  const unreadable = unreadableField(); // left out without a word it would search everything
  if (unreadable) {
    tell({ ...unreadable, code: "" }, `problem-${unreadable.id}`);
    return null;
  }
  cancel();
  const mine = new AbortController();
  running = mine;
  setBusy(true);
  try {
    const settled = await Promise.allSettled(question.galleries.map((name) => askOne(question, name, mine.signal)));
    const failed = settled.map(({ reason }, n) => [reason, question.galleries[n]]).filter(([reason]) => reason);
    if (failed.some(([reason]) => reason.name === "AbortError")) {
      say("Cancelled.");
      return null;
    }
    tellAll(failed, settled.length); // what the other galleries answered is shown all the same
    const answers = settled.filter((one) => !one.reason).map((one) => one.value);
    return answers.length ? answers : null;
  } finally {
    if (running === mine) {
      running = null;
      setBusy(false);
    }
  }
}

/** Tell why galleries have not answered: once if all say the same, else each by its name. */
function tellAll(failed, count) {
  if (!failed.length) return;
  const [first] = failed[0];
  const isOne = count === 1 || (failed.length === count && failed.every(([reason]) => reason.message === first.message));
  if (isOne) tell(first);
  else {
    const message = failed.map(([reason, name]) => `${name}: ${reason.message}`).join("; ");
    tell({ message, remedy: first.remedy, code: first.code, status: first.status }, "problem-question");
  }
}

async function askOne(question, gallery, signal) {
  const answer = await api.search(await formFor(question, gallery), signal);
  return { ...answer, question, time: new Date().toISOString() };
}

function setBusy(isBusy) {
  byId("busy").hidden = !isBusy;
  byId("cancel").hidden = !isBusy;
  byId("search").disabled = isBusy;
  byId("again").disabled = isBusy;
  byId("results").setAttribute("aria-busy", String(isBusy));
  if (isBusy) say("Searching.");
}
