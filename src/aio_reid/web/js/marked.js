// The pictures that were marked, in view also when the next search leaves them out.
import { byId, el, goOnInList, placeInList } from "./dom.js";
import { lazyPicture } from "./pictures.js";

/** Show the marks; `undo` takes one back. Whoever did that here goes on at the next one. */
export function showMarks(marks, undo) {
  const at = placeInList("marked-list");
  byId("marked").hidden = !marks.all.length;
  byId("marked-list").replaceChildren(...marks.all.map(({ hit, answer, verdict }) => {
    const name = `${hit.gallery} ${hit.id}`;
    return el("li", { class: `verdict-${verdict}` },
      lazyPicture(hit, `${name}, marked ${verdict}`),
      el("span", { class: "name" }, `${verdict}: ${hit.camera ?? name}`),
      el("button", { type: "button", "aria-label": `take back: ${name}, marked ${verdict}`, click: () => undo(hit, answer, verdict) }, "×"));
  }));
  goOnInList("marked-list", at, "results");
}
