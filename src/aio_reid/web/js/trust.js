// How much each kind of evidence counts: the model's own weights, until one is set; then the others count 1.
import { byId, el } from "./dom.js";
import { KINDS } from "./words.js";

export class Trust {
  #sliders = new Map();
  #set = new Set();
  #shown = [];

  constructor(kinds) {
    byId("trust").replaceChildren(...kinds.map((kind) => this.#row(kind)));
    this.#show();
  }

  /** Weights to send, as [kind, weight], of the kinds that the query has; none leaves it to the model. */
  weights(kinds) {
    return kinds.filter((kind) => this.#set.has(kind)).map((kind) => [kind, this.#sliders.get(kind).value]);
  }

  #show() {
    for (const show of this.#shown) {
      show();
    }
  }

  #row(kind) {
    const output = el("output", { for: `trust-${kind}` });
    const reset = el("button", { type: "button", "aria-label": `${KINDS[kind].label}: as the model does` }, "reset");
    const slider = el("input", { type: "range", id: `trust-${kind}`, min: 0, max: 3, step: 0.1, value: 1 });
    this.#shown.push(() => {
      output.textContent = this.#set.size ? `× ${Number(slider.value).toFixed(1)}` : "the model's";
      slider.setAttribute("aria-valuetext", output.textContent);
      reset.disabled = !this.#set.has(kind);
    });
    slider.addEventListener("input", () => {
      this.#set.add(kind);
      this.#show();
    });
    reset.addEventListener("click", () => {
      this.#set.delete(kind);
      slider.value = 1;
      this.#show();
      slider.focus();
    });
    this.#sliders.set(kind, slider);
    const label = el("label", { for: `trust-${kind}` }, el("b", { "aria-hidden": "true" }, KINDS[kind].letter),
      KINDS[kind].label);
    return el("div", { class: `trust m-${kind}` }, label, slider, output, reset);
  }
}
