// Hits that are kept, with notes.
import { byId, el, goOnInList, placeInList, say } from "./dom.js";
import { lazyPicture, showAll } from "./pictures.js";
import { bandOf, factsOf, keyOf, scoreOf } from "./words.js";

export class Shortlist extends EventTarget {
  #entries = new Map(); // key of a hit -> {hit, answer, note, verdict}
  #notes = new Map(); // of what was taken off, so that putting it back brings back its note
  #isSaved = true;

  constructor() {
    super();
    window.addEventListener("beforeunload", (event) => {
      if (!this.#isSaved && this.all.length) event.preventDefault(); // the browser asks
    });
  }

  get all() {
    return [...this.#entries.values()];
  }

  has(hit) {
    return this.#entries.has(keyOf(hit));
  }

  /** Put a hit on the list, with what was said of it, or take it off. */
  toggle(hit, answer, verdict = null) {
    const key = keyOf(hit);
    if (this.has(hit)) {
      this.#notes.set(key, this.#entries.get(key).note);
      this.#entries.delete(key);
    } else this.#entries.set(key, { hit, answer, note: this.#notes.get(key) ?? "", verdict });
    this.#isSaved = false;
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  /** Remember what was said of a hit that is on the list: yes, no, unsure, or nothing (null). */
  judge(hit, verdict) {
    if (!this.has(hit)) return;
    this.#entries.get(keyOf(hit)).verdict = verdict;
    this.#isSaved = false;
  }

  /** The list was saved as it is. */
  saved() {
    this.#isSaved = true;
  }

  #show() {
    const at = placeInList("chosen");
    byId("shortlist-count").textContent = this.all.length;
    for (const id of ["export-html", "export-json", "print"]) byId(id).disabled = !this.all.length;
    byId("chosen").replaceChildren(...this.all.map((entry) => this.#row(entry)));
    goOnInList("chosen", at, "shortlist");
    showAll(byId("chosen")); // a list is printed as a whole, also from the browser's menu
  }

  #row(entry) {
    const { hit, answer } = entry;
    const band = bandOf(hit, answer);
    const name = `${hit.gallery} ${hit.id}`;
    const id = `note-${keyOf(hit).replaceAll(/[^\w-]/g, "-")}`;
    const note = el("textarea", { id, rows: 2, maxlength: 2000, input: () => {
      entry.note = note.value;
      this.#isSaved = false;
    } });
    note.value = entry.note;
    return el("li", {},
      lazyPicture(hit, name),
      el("div", { class: "about" },
        el("p", {}, el("strong", {}, name), `, rank ${hit.rank}, score ${scoreOf(hit)}`),
        el("p", { class: "hint" }, `${band.label}; ${band.text}`),
        el("p", { class: "hint" }, factsOf(hit).map(([key, value]) => `${key} ${value}`).join(" · ")),
        el("label", { for: id }, `Note on ${name}`), note),
      el("button", { type: "button", "aria-label": `take ${name} off the shortlist`, click: () => {
        this.toggle(hit, answer);
        say(`${name} is off the shortlist.`);
      } }, "×"));
  }
}
