// What values are called in words.

export const KINDS = {
  rgb: { label: "Photo", many: "photos", letter: "R" },
  infrared: { label: "Infrared frame", many: "infrared frames", letter: "I" },
  pencil: { label: "Colour pencil", many: "colour pencil drawings", letter: "C" },
  sketch: { label: "Sketch", many: "sketches", letter: "S" },
  text: { label: "Sentence", many: "sentences", letter: "T" },
};

export const VERDICTS = { yes: "yes", no: "no", unsure: "unsure" };

export const keyOf = (hit) => `${hit.gallery}/${hit.id}`;

export const whenOf = (time) => (time ? time.replace("T", " ") : "");

/** What is known of a picture, as [name, value] to show. */
export function factsOf(hit) {
  const track = hit.track && hit.track_size > 1 ? `${hit.track}, ${hit.track_size} pictures` : hit.track;
  const named = [
    ["camera", hit.camera], ["time", whenOf(hit.time)], ["track", track], ["source", hit.source],
    ["frame", hit.frame], ["kind", KINDS[hit.modality]?.label.toLowerCase() ?? hit.modality],
    ...Object.entries(hit.columns ?? {}),
  ];
  return named.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => [name, String(value)]);
}

export const scoreOf = (hit) => hit.score.toFixed(3);

/**
 * How strong a hit is, as {level, label, text}: level 0 to 4 where the score is calibrated, by P(match); null where it
 * is not, and then the text says so.
 */
export function bandOf(hit, answer) {
  if (hit.evidence) {
    const p = hit.evidence.probability;
    const level = [0.02, 0.1, 0.5, 0.9].filter((limit) => p >= limit).length;
    return { level, label: `P(match) ${hit.evidence.probability_text}`, text: hit.evidence.strangers_text };
  }
  if (hit.stands_out === null || answer.chance_best === null) {
    return { level: null, label: "not calibrated", text: "no telling whether the score stands out" };
  }
  const margin = `${hit.stands_out >= 0 ? "+" : ""}${hit.stands_out.toFixed(1)} deviations above the median`;
  const chance = `the best stranger has about +${answer.chance_best.toFixed(1)} by chance`;
  const label = hit.stands_out >= answer.chance_best ? "stands out" : "as chance gives";
  return { level: null, label: `${label}, not calibrated`, text: `${margin}; ${chance}` };
}

/** A hit in one line, for those who do not see the picture. */
export function lineOf(hit, answer) {
  const facts = factsOf(hit).map(([name, value]) => `${name} ${value}`).join(", ");
  return `rank ${hit.rank}, score ${scoreOf(hit)}, ${bandOf(hit, answer).label}, ${facts}`;
}

/** Texts between commas. */
export const listed = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);
