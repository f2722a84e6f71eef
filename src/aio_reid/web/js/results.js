// Answers as cards, grouped by camera or in one order.
import { byId, el } from "./dom.js";
import { lazyPicture } from "./pictures.js";
import { VERDICTS, bandOf, factsOf, keyOf, lineOf, scoreOf } from "./words.js";

/** Show answers; `act` has what a card can do: verdict, mark, list, isListed, compare. */
export function showAnswers(answers, act) {
  byId("answers").replaceChildren(...answers.map((answer) => answerPart(answer, answer.question.galleries.length > 1, act)));
}

/** Show anew what is marked and listed, in the cards that are there. */
export function refreshCards(act) {
  for (const card of document.querySelectorAll("#answers .hit")) {
    const { hit } = card;
    for (const button of card.querySelectorAll("[data-verdict]")) {
      button.setAttribute("aria-pressed", String(act.verdict(hit) === button.dataset.verdict));
    }
    card.querySelector("[data-do=list]").setAttribute("aria-pressed", String(act.isListed(hit)));
  }
}

function answerPart(answer, isNamed, act) {
  const searched = `${answer.hits.length} most similar of ${answer.num_searched.toLocaleString("en")} pictures`;
  const filters = answer.filters.length ? `, only ${answer.filters.join("; ")}` : "";
  const notes = answer.notes.filter((note) => note !== answer.presence?.text);
  return el("div", { class: "answer" },
    isNamed && el("h3", {}, answer.gallery),
    el("p", { class: "searched" }, searched + filters),
    presencePart(answer),
    answer.unread_words.length > 0 && el("p", { class: "note" }, `Not read, the sentence is too long: ${answer.unread_words.join(" ")}`),
    ...notes.map((note) => el("p", { class: "note" }, note[0].toUpperCase() + note.slice(1))),
    !answer.hits.length && el("p", { class: "empty" }, "No picture fulfils the filters."),
    ...groupsOf(answer).map(([name, hits]) => groupPart(name, hits, answer, act)));
}

function presencePart(answer) {
  const presence = answer.presence;
  if (!presence) {
    return el("p", { class: "presence" }, answer.calibrated ? "Calibrated scores."
      : "The scores are not calibrated for this kind of question: compare them within this search only.");
  }
  const state = { true: "present", false: "absent", null: "unknown" }[String(presence.is_probable)];
  return el("p", { class: `presence ${state}` }, presence.text[0].toUpperCase() + presence.text.slice(1));
}

/** Hits as [name, hits], cameras in the order of their best hit; one group without a name where they are not wanted. */
export function groupsOf(answer) {
  if (!byId("by-camera").checked) return answer.hits.length ? [["", answer.hits]] : [];
  return [...Map.groupBy(answer.hits, (hit) => hit.camera ?? "")]
    .map(([camera, hits]) => [camera ? `Camera ${camera}` : "Without a camera", hits]);
}

function groupPart(name, hits, answer, act) {
  return el("section", { class: "group", "aria-label": name || "all cameras" },
    name && el("h4", {}, name, el("span", { class: "hint" }, ` ${hits.length} of the hits`)),
    el("ol", { class: "hits" }, ...hits.map((hit) => el("li", {}, cardOf(hit, answer, act)))));
}

function cardOf(hit, answer, act) {
  const band = bandOf(hit, answer);
  const button = (label, attributes, work) =>
    el("button", { type: "button", "aria-label": `${label}: rank ${hit.rank}`, click: work, ...attributes }, label);
  const card = el("article", { class: "hit", tabindex: 0, "aria-label": lineOf(hit, answer), "data-key": keyOf(hit) },
    el("div", { class: "view" }, lazyPicture(hit, `rank ${hit.rank}`), el("span", { class: "rank" }, hit.rank)),
    el("p", { class: `band${band.level === null ? "" : ` level-${band.level}`}`, title: band.text },
      band.level !== null && el("span", { class: "steps", "aria-hidden": "true" }, ...Array.from({ length: 4 }, (_, n) => el("i", { class: n < band.level ? "on" : "" }))),
      el("span", {}, band.label)),
    el("p", { class: "score" }, el("span", { title: "cosine similarity" }, scoreOf(hit)), el("small", {}, band.text)),
    el("p", { class: "facts" }, factsOf(hit).filter(([name]) => name !== "kind" || hit.modality !== "rgb").map(([name, value]) => `${name} ${value}`).join(" · ")),
    el("div", { class: "verdicts", role: "group", "aria-label": `rank ${hit.rank}: the person searched for?` },
      ...Object.keys(VERDICTS).map((verdict) => button(VERDICTS[verdict],
        { "data-verdict": verdict, "aria-pressed": act.verdict(hit) === verdict }, () => act.mark(hit, answer, verdict)))),
    el("div", { class: "verdicts" },
      button("shortlist", { "data-do": "list", "aria-pressed": act.isListed(hit) }, () => act.list(hit, answer)),
      button("compare", { "data-do": "compare" }, () => act.compare(hit, answer))));
  Object.assign(card, { hit, answer });
  return card;
}
