// What was said of hits: yes, no, unsure.
import { keyOf } from "./words.js";

export class Marks extends EventTarget {
  #marks = new Map(); // key of a hit -> {hit, answer, verdict}

  get all() {
    return [...this.#marks.values()];
  }

  verdict(hit) {
    return this.#marks.get(keyOf(hit))?.verdict ?? null;
  }

  /** Mark a hit; the same verdict once more takes it back. */
  toggle(hit, answer, verdict) {
    const key = keyOf(hit);
    if (this.verdict(hit) === verdict) this.#marks.delete(key);
    else this.#marks.set(key, { hit, answer, verdict });
    this.dispatchEvent(new CustomEvent("change", { detail: key }));
  }

  /** Take up marks that were remembered: what `all` gave. */
  restore(marks) {
    this.#marks = new Map(marks.map((mark) => [keyOf(mark.hit), mark]));
    this.dispatchEvent(new CustomEvent("change"));
  }

  /** Hits with a verdict. */
  of(verdict) {
    return this.all.filter((mark) => mark.verdict === verdict).map((mark) => mark.hit);
  }
}
