// Which part of which galleries is searched.
import { byId, el } from "./dom.js";
import { KINDS, listed } from "./words.js";

/**
 * Offer the galleries that are served, and the kinds of pictures that they may hold. What was ticked, or not, before
 * stays so. `problems`: galleries that cannot be searched now, by name.
 */
export function setUpFilters(served, kinds, problems) {
  const missing = Object.entries(problems);
  byId("galleries").hidden = served.length + missing.length < 2;
  offer("galleries", [
    ...served.map((gallery) => check("gallery", gallery.name, `${gallery.name} (${count(gallery)})`, true)),
    ...missing.map(([name, reason]) => check("gallery", name, `${name}: ${reason}`, false, true)),
  ]);
  offer("kinds", kinds.map((kind) => check("kind", kind, KINDS[kind].many, false)));
}

/** Put boxes in the place of those that are there, ticked as those were, also across a time in which one cannot be ticked. */
function offer(id, boxes) {
  const boxesBefore = [...byId(id).querySelectorAll("input")];
  const before = new Map(boxesBefore.map((box) => [box.value, box.dataset.ticked ?? String(box.checked)]));
  for (const box of boxes.map((label) => label.querySelector("input"))) {
    const was = before.get(box.value) ?? "";
    if (box.disabled) box.dataset.ticked = was;
    else if (was) box.checked = was === "true";
  }
  byId(id).querySelectorAll("label").forEach((old) => old.remove());
  byId(id).append(...boxes);
}

const count = (gallery) => `${gallery.num_pictures.toLocaleString("en")} pictures`;

const check = (name, value, text, checked, disabled = false) =>
  el("label", { class: "check" }, el("input", { type: "checkbox", name, value, checked, disabled }), text);

const checked = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);

/** Names of the galleries to search. */
export const chosenGalleries = () => checked("gallery");

/** Fields of a search, as [name, value]. */
export function filterFields() {
  const fields = [
    ...listed(byId("camera").value).map((camera) => ["camera", camera]),
    ...listed(byId("track").value).map((track) => ["track", track]),
    ...checked("kind").map((kind) => ["modality", kind]),
    ["top", byId("top").value.trim() || "20"],
  ];
  for (const name of ["since", "until"]) if (byId(name).value) fields.push([name, byId(name).value]);
  if (byId("by-track").checked) fields.push(["by_track", "true"]);
  return fields;
}

/** What is wrong with a field that the browser cannot read, as {id, message, remedy}; null where all can be read. */
export function unreadableField() {
  const id = ["since", "until", "top"].find((name) => byId(name).validity.badInput);
  if (!id) return null;
  return id === "top"
    ? { id, message: "the number of hits cannot be read", remedy: "give a whole number, or empty the field" }
    : { id, message: "the time is not complete", remedy: "give date and time, or empty the field" };
}

/** Offer cameras that have been seen in results. */
export function offerCameras(hits) {
  const list = byId("cameras");
  const known = new Set([...list.options].map((option) => option.value));
  for (const hit of hits) if (hit.camera) known.add(hit.camera);
  list.replaceChildren(...[...known].sort().map((camera) => el("option", { value: camera })));
}
