// The shortlist as plain values: what was found, where it came from, what was asked, and of which gallery and model.
import { pictureOf } from "./pictures.js";

/** Bytes as a data URL, so that a file can hold the picture itself. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/**
 * A whole record of entries of the shortlist. A picture that cannot be had is told in its place; `addressOf` makes of
 * the others, which are blobs, what stands in the record.
 */
export async function recordOf(entries, addressOf = dataUrl) {
  const answers = [...new Set(entries.map((entry) => entry.answer))];
  return {
    format: "aio-reid shortlist 1",
    program: answers[0].program,
    written: new Date().toISOString(),
    statement: answers[0].statement,
    searches: await Promise.all(answers.map((answer, n) => searchRecord(answer, n + 1, addressOf))),
    hits: await Promise.all(entries.map((entry) => hitRecord(entry, answers.indexOf(entry.answer) + 1, addressOf))),
  };
}

async function searchRecord(answer, number, addressOf) {
  const { question } = answer;
  return {
    number,
    time: answer.time,
    gallery: { name: answer.gallery, id: answer.gallery_id, version: answer.gallery_version },
    weights_sha256: answer.weights,
    query_sha256: answer.query_hash,
    query: answer.query,
    sentence: question.sentence || null,
    unread_words: answer.unread_words,
    pictures: await Promise.all(question.pictures.map(async ({ kind, file }) =>
      ({ kind, name: file.name, picture: await addressOf(file) }))),
    weights: Object.fromEntries(question.weights.map(([kind, weight]) => [kind, Number(weight)])),
    like: question.yes.map(({ gallery, id }) => ({ gallery, id })),
    unlike: question.no.filter(({ gallery }) => gallery === answer.gallery).map(({ gallery, id }) => ({ gallery, id })),
    options: question.fields.map(([name, value]) => ({ name, value })),
    fusion: answer.fusion,
    filters: answer.filters,
    num_pictures: answer.num_pictures,
    num_searched: answer.num_searched,
    recall: answer.recall,
    calibrated: answer.calibrated,
    presence: answer.presence,
    chance_best: answer.chance_best,
    notes: answer.notes,
  };
}

async function hitRecord({ hit, answer, note, verdict }, search, addressOf) {
  const { picture: address, gallery, ...known } = hit;
  const shown = await pictureOf(hit).then(({ blob }) => addressOf(blob)).then(
    (picture) => ({ picture }), (problem) => ({ picture: null, picture_problem: problem.message }));
  return { search, gallery, gallery_version: answer.gallery_version, verdict, note, ...known, address, ...shown };
}
