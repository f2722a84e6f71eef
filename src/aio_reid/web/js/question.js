// From what the page holds to the form of a search.
import { byId } from "./dom.js";
import { chosenGalleries, filterFields } from "./filters.js";
import { pictureOf } from "./pictures.js";

/**
 * What is asked, taken down at this moment: {sentence, pictures: [{kind, file}], weights, fields, yes, no, galleries}.
 */
export async function takeDown({ pad, zones, trust, marks, withMarks }) {
  const sentence = byId("sentence").value.trim();
  const pictures = zones.all.map(({ kind, file }) => ({ kind, file }));
  if (!pad.isEmpty) pictures.push({ kind: "sketch", file: await pad.toFile() });
  const [yes, no] = withMarks ? [marks.of("yes"), marks.of("no")] : [[], []];
  const kinds = new Set([...(sentence ? ["text"] : []), ...pictures.map((one) => one.kind)]);
  return {
    sentence, pictures, weights: trust.weights([...kinds]), fields: filterFields(), yes, no,
    galleries: chosenGalleries(),
  };
}

/** Whether there is anything to search by. */
export const isEmpty = (question) => !question.sentence && !question.pictures.length && !question.yes.length;

/**
 * The form of a question to one gallery. A picture marked yes in another gallery has no id in this one, so it is sent
 * as evidence of its kind; those marked no elsewhere are left out.
 */
export async function formFor(question, gallery) {
  const form = new FormData();
  form.append("gallery", gallery);
  if (question.sentence) form.append("text", question.sentence);
  for (const { kind, file } of question.pictures) form.append(kind, file, file.name);
  for (const [kind, weight] of question.weights) form.append("weight", `${kind}=${weight}`);
  for (const [name, value] of question.fields) form.append(name, value);
  for (const hit of question.yes) {
    if (hit.gallery === gallery) form.append("like", hit.id);
    else form.append(hit.modality, (await pictureOf(hit)).blob, `${hit.gallery}-${hit.id}`);
  }
  for (const hit of question.no) if (hit.gallery === gallery) form.append("unlike", hit.id);
  return form;
}
