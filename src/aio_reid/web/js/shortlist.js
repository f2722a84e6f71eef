// Hits that are kept, with notes.
import { byId, el } from "./dom.js";
import { lazyPicture } from "./pictures.js";
import { bandOf, factsOf, keyOf, scoreOf } from "./words.js";

export class Shortlist extends EventTarget {
  #entries = new Map(); // key of a hit -> {hit, answer, note}

  get all() {
    return [...this.#entries.values()];
  }

  has(hit) {
    return this.#entries.has(keyOf(hit));
  }

  /** Put a hit on the list, or take it off. */
  toggle(hit, answer) {
    if (this.has(hit)) this.#entries.delete(keyOf(hit));
    else this.#entries.set(keyOf(hit), { hit, answer, note: "" });
    this.#show();
    this.dispatchEvent(new Event("change"));
  }

  #show() {
    byId("shortlist-count").textContent = this.all.length;
    for (const id of ["export-html", "export-json", "print"]) byId(id).disabled = !this.all.length;
    byId("chosen").replaceChildren(...this.all.map((entry) => this.#row(entry)));
  }

  #row(entry) {
    const { hit, answer } = entry;
    const band = bandOf(hit, answer);
    const name = `${hit.gallery} ${hit.id}`;
    const id = `note-${keyOf(hit).replaceAll(/[^\w-]/g, "-")}`;
    const note = el("textarea", { id, rows: 2, maxlength: 2000, input: () => { entry.note = note.value; } });
    note.value = entry.note;
    return el("li", {},
      lazyPicture(hit, name),
      el("div", { class: "about" },
        el("p", {}, el("strong", {}, name), `, rank ${hit.rank}, score ${scoreOf(hit)}`),
        el("p", { class: "hint" }, `${band.label}; ${band.text}`),
        el("p", { class: "hint" }, factsOf(hit).map(([key, value]) => `${key} ${value}`).join(" · ")),
        el("label", { for: id }, `Note on ${name}`), note),
      el("button", { type: "button", "aria-label": `take ${name} off the shortlist`, click: () => this.toggle(hit, answer) }, "×"));
  }
}
