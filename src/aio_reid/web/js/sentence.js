// How much of the sentence is read: the service counts, because it has the model's tokens.
import * as api from "./api.js";
import { byId, settled } from "./dom.js";

let asked = new AbortController();

async function count() {
  asked.abort();
  asked = new AbortController();
  const sentence = byId("sentence").value.trim();
  if (!sentence) {
    show(null);
    return;
  }
  try {
    show(await api.tokens(sentence, asked.signal));
  } catch (error) {
    // A count that cannot be had stops nobody: the search itself tells what is wrong.
    if (error.name !== "AbortError") show(null);
  }
}

function show(told) {
  const unread = byId("unread");
  byId("tokens").textContent = told ? `${told.num_tokens} of ${told.limit} tokens` : "";
  byId("tokens").classList.toggle("over", Boolean(told?.unread_words.length));
  unread.hidden = !told?.unread_words.length;
  unread.textContent = unread.hidden ? "" : `Too long, not read: ${told.unread_words.join(" ")}`;
}

/** Count whenever the sentence has changed. */
export function setUpSentence() {
  byId("sentence").addEventListener("input", settled(count, 300));
}
