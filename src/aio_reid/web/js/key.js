// The API key: in memory, or, when asked for, in this tab's session; never on the disk by us.
import { byId, open } from "./dom.js";

const PLACE = "aio-reid-key";
let key = "";

try {
  key = sessionStorage.getItem(PLACE) ?? "";
} catch {
  key = ""; // storage is switched off in this browser
}

/** Headers that carry the key. */
export const keyHeaders = () => (key ? { Authorization: `Bearer ${key}` } : {});

/** Ask for a key; `problem` says why. */
export function askForKey(problem) {
  const box = byId("problem-key");
  box.hidden = !problem;
  box.textContent = problem ? `${problem.message}: ${problem.remedy}.` : "";
  byId("key").value = "";
  open(byId("key-box"));
  byId("key").focus();
}

/** Make the dialog work; `changed` is called when there is another key, or none. */
export function setUpKey(changed) {
  byId("open-key").addEventListener("click", () => askForKey(null));
  byId("key-form").addEventListener("submit", (event) => {
    const choice = event.submitter?.value ?? "use";
    if (choice === "close") return;
    const given = byId("key").value.trim();
    if (choice === "use" && !/^[\x21-\x7e]+$/.test(given)) { // anything else cannot stand in a request
      event.preventDefault();
      askForKey({ message: "this is no key", remedy: "copy it again, all of it, as `aio-reid keys create` printed it" });
      return;
    }
    key = choice === "use" ? given : "";
    byId("key").value = "";
    remember(choice === "use" && byId("keep-key").checked);
    changed();
  });
}

function remember(isKept) {
  try {
    if (isKept) sessionStorage.setItem(PLACE, key);
    else sessionStorage.removeItem(PLACE);
  } catch {
    byId("keep-key").checked = false; // the key stays in memory
  }
}
