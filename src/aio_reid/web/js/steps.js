// The searches of this tab, one after another: back to what was found and marked before, and forward again.
import { byId } from "./dom.js";
import { KINDS } from "./words.js";

const MOST = 50;

export class Steps {
  #steps = []; // {answers, marks}: what was found, and the marks as they were when it was left
  #at = -1;
  #marks;
  #go;

  /** `go` shows a step; `marks` are remembered with each. */
  constructor(marks, go) {
    this.#marks = marks;
    this.#go = go;
    byId("step-back").addEventListener("click", () => this.#move(-1));
    byId("step-forward").addEventListener("click", () => this.#move(1));
  }

  /** A search was made: it follows the one that is shown, and what followed that one is forgotten. */
  add(answers) {
    this.#leave();
    this.#steps = [...this.#steps.slice(0, this.#at + 1), { answers, marks: [] }].slice(-MOST);
    this.#at = this.#steps.length - 1;
    this.#show();
  }

  #move(by) {
    this.#leave();
    this.#at += by;
    this.#show();
    this.#go(this.#steps[this.#at]);
  }

  #leave() {
    if (this.#at >= 0) this.#steps[this.#at].marks = this.#marks.all;
  }

  #show() {
    byId("steps").hidden = false; // what was asked stands beside what was found
    for (const id of ["step-back", "step-forward"]) byId(id).hidden = this.#steps.length < 2;
    byId("step-back").disabled = this.#at <= 0;
    byId("step-forward").disabled = this.#at >= this.#steps.length - 1;
    byId("step").textContent = `${this.#steps.length < 2 ? "Asked" : `Search ${this.#at + 1} of ${this.#steps.length}`}: ${asked(this.#steps[this.#at].answers)}`;
  }
}

/** What was asked, in a few words. */
function asked([{ question }]) {
  const kinds = question.pictures.map(({ kind }) => KINDS[kind].label.toLowerCase());
  const marked = [["yes", question.yes], ["no", question.no]].filter(([, hits]) => hits.length)
    .map(([verdict, hits]) => `${hits.length} marked ${verdict}`);
  return [...(question.sentence ? [`“${question.sentence}”`] : []), ...kinds, ...marked].join(", ");
}
