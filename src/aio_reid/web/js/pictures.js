// Pictures of the gallery: asked for with the key when they come into view, a few at a time, kept while they are shown.
import * as api from "./api.js";
import { el } from "./dom.js";
import { keyOf } from "./words.js";

const AT_A_TIME = 4;
const MOST_KEPT = 600;
const kept = new Map(); // key of a hit -> promise of {blob, url}
const waiting = [];
let running = 0;

const inView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    inView.unobserve(entry.target);
    entry.target.dispatchEvent(new Event("wanted"));
  }
}, { rootMargin: "200px" });

function next() {
  if (running >= AT_A_TIME || !waiting.length) return;
  const { address, resolve, reject } = waiting.shift();
  running += 1;
  api.picture(address).then(resolve, reject).finally(() => {
    running -= 1;
    next();
  });
}

const fetched = (address) => new Promise((resolve, reject) => {
  waiting.push({ address, resolve, reject });
  next();
});

async function load(hit) {
  const blob = await fetched(hit.picture);
  return { blob, url: URL.createObjectURL(blob) };
}

/** The bytes of a hit's picture and an address to show them by. */
export function pictureOf(hit) {
  const key = keyOf(hit);
  if (!kept.has(key)) {
    const loading = load(hit);
    kept.set(key, loading);
    loading.catch(() => kept.delete(key)); // so that it can be tried again
  }
  return kept.get(key);
}

/** Let go of pictures that are not in `needed`, a set of keys, once there are many. */
export function letGo(needed) {
  if (kept.size <= MOST_KEPT) return;
  for (const [key, loading] of kept) {
    if (needed.has(key)) continue;
    kept.delete(key);
    loading.then(({ url }) => URL.revokeObjectURL(url), () => null);
  }
}

/** An image of a hit that is fetched when it comes into view. */
export function lazyPicture(hit, alt) {
  const frame = el("div", { class: "frame" });
  const image = el("img", { alt, width: 64, height: 128, class: "waiting" });
  const fail = (text) => frame.replaceChildren(el("p", { class: "gone" }, text));
  image.addEventListener("wanted", async () => {
    try {
      image.src = (await pictureOf(hit)).url;
      await image.decode().catch(() => null); // told by the event "error"
      image.classList.remove("waiting");
    } catch (problem) {
      fail(problem.message);
    }
    image.dispatchEvent(new Event("settled"));
  }, { once: true });
  image.addEventListener("error", () => fail("this browser cannot show this kind of picture"));
  frame.append(image);
  inView.observe(image);
  return frame;
}

/** Fetch the pictures inside an element now, in view or not; resolves when each is shown or has failed. */
export async function showAll(element) {
  await Promise.all([...element.querySelectorAll("img.waiting")].map((image) => new Promise((resolve) => {
    image.addEventListener("settled", resolve, { once: true });
    image.dispatchEvent(new Event("wanted"));
  })));
}
