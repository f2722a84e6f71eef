// Pictures as evidence: dropped or chosen, several of each kind, shown small, removable.
import { byId, el, say } from "./dom.js";
import { tell } from "./problems.js";
import { KINDS } from "./words.js";

export class Zones extends EventTarget {
  #files = new Map(); // kind -> [{file, url}]

  /** Make a zone for each kind of picture that the model reads. */
  constructor(kinds) {
    super();
    byId("zones").replaceChildren(...kinds.map((kind) => this.#zone(kind)));
    // A picture that misses a zone must not replace the page.
    for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
  }

  /** All pictures, as {kind, file, url}. */
  get all() {
    return [...this.#files].flatMap(([kind, held]) => held.map((one) => ({ kind, ...one })));
  }

  #zone(kind) {
    this.#files.set(kind, []);
    const input = el("input", {
      type: "file", id: `zone-${kind}`, multiple: true, accept: "image/jpeg,image/png,image/webp,image/bmp,image/tiff",
      "aria-describedby": `problem-${kind}`, "data-kind": kind,
      change: () => {
        this.#add(kind, input.files);
        input.value = "";
      },
    });
    const zone = el("div", { class: `field zone m-${kind}` },
      el("label", { for: `zone-${kind}` }, el("b", { "aria-hidden": "true" }, KINDS[kind].letter), KINDS[kind].label,
        el("span", { class: "hint" }, "drop here, or choose")),
      input,
      el("ul", { class: "strip", id: `files-${kind}`, "aria-label": KINDS[kind].many }),
      el("p", { class: "problem", id: `problem-${kind}`, role: "alert", hidden: true }));
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      this.#add(kind, event.dataTransfer.files);
    });
    return zone;
  }

  async #add(kind, files) {
    byId(`problem-${kind}`).hidden = true;
    const added = [];
    for (const file of [...files]) {
      try {
        // A copy: what is asked, shown and recorded stays the same, whatever becomes of the file on the disk.
        const copy = new File([await file.arrayBuffer()], file.name, { type: file.type });
        added.push({ file: copy, url: URL.createObjectURL(copy) });
      } catch {
        tell({ message: `${file.name} cannot be read`, remedy: "check that it is still there", code: "" }, `problem-${kind}`);
      }
    }
    if (!added.length) return;
    this.#files.get(kind).push(...added);
    this.#show(kind, `${added.length} added: ${KINDS[kind].many}`);
  }

  #remove(kind, one) {
    URL.revokeObjectURL(one.url);
    this.#files.set(kind, this.#files.get(kind).filter((other) => other !== one));
    this.#show(kind, `removed: ${one.file.name}`);
    byId(`zone-${kind}`).focus();
  }

  #show(kind, news) {
    const shown = this.#files.get(kind).map((one) => el("li", {},
      el("img", { src: one.url, alt: one.file.name }),
      el("span", { class: "name", title: one.file.name }, one.file.name),
      el("button", { type: "button", "aria-label": `remove ${one.file.name}`, click: () => this.#remove(kind, one) },
        "×")));
    byId(`files-${kind}`).replaceChildren(...shown);
    say(news);
    this.dispatchEvent(new Event("change"));
  }
}
