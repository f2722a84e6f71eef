// Which part of which galleries is searched.
import { byId, el } from "./dom.js";
import { KINDS, listed } from "./words.js";

/** Offer the galleries that are served, and the kinds of pictures that they may hold. */
export function setUpFilters(served, kinds) {
  const box = byId("galleries");
  box.hidden = served.length < 2;
  box.querySelectorAll("label").forEach((old) => old.remove());
  box.append(...served.map((gallery) => check("gallery", gallery.name, `${gallery.name} (${count(gallery)})`, true)));
  byId("kinds").querySelectorAll("label").forEach((old) => old.remove());
  byId("kinds").append(...kinds.map((kind) => check("kind", kind, KINDS[kind].many, false)));
}

const count = (gallery) => `${gallery.num_pictures.toLocaleString("en")} pictures`;

const check = (name, value, text, checked) =>
  el("label", { class: "check" }, el("input", { type: "checkbox", name, value, checked }), text);

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
