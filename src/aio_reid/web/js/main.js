// The page: its parts, and what they tell each other.
import * as api from "./api.js";
import { Compare } from "./compare.js";
import { byId, say } from "./dom.js";
import { offerCameras, setUpFilters } from "./filters.js";
import { setUpKey } from "./key.js";
import { showMarks } from "./marked.js";
import { Marks } from "./marks.js";
import { letGo } from "./pictures.js";
import { tell } from "./problems.js";
import { takeDown } from "./question.js";
import { refreshCards, showAnswers } from "./results.js";
import { setUpSaving } from "./saving.js";
import { cancel, searchAll } from "./searching.js";
import { setUpSentence } from "./sentence.js";
import { setUpShortcuts } from "./shortcuts.js";
import { Shortlist } from "./shortlist.js";
import { Sketchpad } from "./sketchpad.js";
import { Steps } from "./steps.js";
import { Trust } from "./trust.js";
import { KINDS, keyOf } from "./words.js";
import { Zones } from "./zones.js";

const marks = new Marks();
const shortlist = new Shortlist();
const pad = new Sketchpad();
let zones = null;
let trust = null;
let answers = [];

const compare = new Compare();

const act = {
  pad,
  cancel,
  search: () => search(false),
  again: () => search(true),
  verdict: (hit) => marks.verdict(hit),
  mark: (hit, answer, verdict) => {
    marks.toggle(hit, answer, verdict);
    shortlist.judge(hit, marks.verdict(hit));
    say(`Rank ${hit.rank}: ${marks.verdict(hit) ?? "mark taken back"}.`);
  },
  isListed: (hit) => shortlist.has(hit),
  list: (hit, answer) => {
    shortlist.toggle(hit, answer, marks.verdict(hit));
    say(shortlist.has(hit) ? "On the shortlist." : "Off the shortlist.");
  },
  compare: (hit, answer) => compare.add(hit, answer),
};

const steps = new Steps(marks, (step) => {
  marks.restore(step.marks);
  show(step.answers);
  say(byId("step").textContent);
});

function show(found) {
  answers = found;
  showAnswers(answers, act);
}

async function search(withMarks) {
  if (!zones) {
    await start();
    if (!zones) return;
  }
  const found = await searchAll(await takeDown({ pad, zones, trust, marks, withMarks }));
  if (!found) return;
  steps.add(found);
  show(found);
  const hits = answers.flatMap((answer) => answer.hits);
  offerCameras(hits);
  letGo(new Set([...hits, ...marks.all.map((one) => one.hit), ...shortlist.all.map((one) => one.hit)].map(keyOf)));
  say([`${hits.length} hits.`, ...answers.map((answer) => answer.presence?.text ?? "Not calibrated.")].join(" "));
  if (window.matchMedia("(max-width: 899px)").matches) byId("results").scrollIntoView();
}

/** Ask the service what it serves, and offer that. */
async function start() {
  try {
    const told = await api.galleries();
    const kinds = told.modalities.filter((kind) => kind in KINDS);
    const visual = kinds.filter((kind) => kind !== "text");
    byId("statement").textContent = told.statement;
    setUpFilters(told.galleries, visual, told.problems);
    const missing = Object.entries(told.problems).map(([name, reason]) => `the gallery ${name} ${reason}`);
    if (missing.length) tell({ message: missing.join("; "), remedy: "tell whoever runs this service", code: "" }, "problem-question");
    byId("drawing").hidden = !kinds.includes("sketch");
    if (zones) return;
    zones = new Zones(visual);
    trust = new Trust(kinds);
  } catch (problem) {
    tell(problem);
  }
}

byId("question").addEventListener("submit", (event) => {
  event.preventDefault();
  act.search();
});
byId("again").addEventListener("click", act.again);
byId("cancel").addEventListener("click", cancel);
byId("by-camera").addEventListener("change", () => {
  if (answers.length) showAnswers(answers, act);
});
marks.addEventListener("change", () => {
  refreshCards(act);
  showMarks(marks, act.mark);
});
shortlist.addEventListener("change", () => refreshCards(act));
byId("drawing").open = window.matchMedia("(min-width: 900px)").matches;
setUpKey(start);
setUpSentence();
setUpSaving(shortlist);
setUpShortcuts(act);
start();
