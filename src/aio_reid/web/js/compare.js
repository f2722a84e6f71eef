// Two pictures side by side: hits, or a hit and what was asked.
import { byId, el, open } from "./dom.js";
import { pictureOf } from "./pictures.js";
import { KINDS, bandOf, factsOf, keyOf, scoreOf } from "./words.js";

const MOST = 12;

export class Compare {
  #pinned = []; // {hit, answer}, the latest first
  #sides = [];
  #made = [];

  constructor() {
    for (const side of ["left", "right"]) byId(side).addEventListener("change", () => this.#show(side));
    byId("compare").addEventListener("close", () => {
      for (const url of this.#made.splice(0)) URL.revokeObjectURL(url);
    });
  }

  /** Compare a hit with the one chosen before it, or, as the first one, with what was asked when it was found. */
  add(hit, answer) {
    this.#pinned = [{ hit, answer }, ...this.#pinned.filter((one) => keyOf(one.hit) !== keyOf(hit))].slice(0, MOST);
    const query = answer.question.pictures.map((one) => ({ name: `query: ${nameOf(one)}`, url: this.#address(one.file) }));
    const hits = this.#pinned.map((one) => ({ name: `rank ${one.hit.rank}, ${one.hit.gallery} ${one.hit.id}`, ...one }));
    this.#sides = [...hits, ...query];
    for (const side of ["left", "right"]) {
      byId(side).replaceChildren(...this.#sides.map((one, n) => el("option", { value: n }, one.name)));
    }
    byId("left").value = "0";
    byId("right").value = String(Math.min(hits.length > 1 || !query.length ? 1 : hits.length, this.#sides.length - 1));
    open(byId("compare"));
    this.#show("left");
    this.#show("right");
  }

  #address(file) {
    const url = URL.createObjectURL(file);
    this.#made.push(url);
    return url;
  }

  async #show(side) {
    const one = this.#sides[Number(byId(side).value)];
    const place = byId(`${side}-side`);
    if (!one) return;
    place.replaceChildren(); // nobody may take the picture before for this one while it is fetched
    const shown = one.url ? one : await pictureOf(one.hit).catch((problem) => ({ problem }));
    if (this.#sides[Number(byId(side).value)] !== one) return; // another one was chosen meanwhile
    if (shown.problem) place.replaceChildren(el("p", { class: "gone" }, shown.problem.message));
    else place.replaceChildren(el("img", { src: shown.url, alt: one.name }), one.hit ? factsPart(one) : "");
  }
}

function factsPart({ hit, answer }) {
  const band = bandOf(hit, answer);
  const named = [["score", scoreOf(hit)], ["meaning", `${band.label}; ${band.text}`], ...factsOf(hit), ["path", hit.path]];
  return el("dl", {}, ...named.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

const nameOf = ({ kind, file }) => `${KINDS[kind].label.toLowerCase()} ${file.name}`;
