// Elements from plain values: text is never read as markup.

export const byId = (id) => document.getElementById(id);

/** Build an element; functions become listeners, false and null leave an attribute out. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") made.addEventListener(key, value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Tell assistive programs, politely, what has happened. */
export function say(text) {
  const status = byId("status");
  status.textContent = "";
  // A text that is set twice in one go is not read out; the next frame is a change of its own.
  requestAnimationFrame(() => { status.textContent = text; });
}

/** Call `work` once nothing has called for `ms` milliseconds. */
export function settled(work, ms) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), ms);
  };
}

/** Show a modal dialog, unless it is open. */
export function open(dialog) {
  if (!dialog.open) dialog.showModal();
}

/** The place of the focus in a list, from 0; -1 where it is elsewhere. */
export const placeInList = (id) => [...byId(id).children].findIndex((row) => row.contains(document.activeElement));

/** After a list was made anew: focus the button of the row at this place, or the last; of an empty list `otherwise`. */
export function goOnInList(id, place, otherwise) {
  if (place < 0) return;
  const buttons = [...byId(id).querySelectorAll("li > button")];
  (buttons[Math.min(place, buttons.length - 1)] ?? byId(otherwise)).focus();
}
