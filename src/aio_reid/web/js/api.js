// Requests to the service that serves this page, and to nobody else.
import { keyHeaders } from "./key.js";

/** Why a request was not fulfilled, as the service tells it (RFC 9457) or as the browser found. */
export class Problem extends Error {
  constructor(status, code, message, remedy) {
    super(message);
    Object.assign(this, { status, code, remedy });
  }
}

/** Ask; returns the Response. Throws a Problem, or an AbortError when `signal` was used. */
async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: keyHeaders(), credentials: "same-origin", redirect: "error" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "the service does not answer", "check that aio-reid serve still runs");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const told = await response.json().catch(() => ({}));
  const wait = response.headers.get("Retry-After");
  const remedy = told.remedy ?? "try again";
  return new Problem(response.status, told.code ?? "unknown", told.message ?? `the service answered ${response.status}`,
    wait ? `${remedy}, after ${wait} s` : remedy);
}

export const galleries = async () => (await ask("/v1/galleries")).json();

export const search = async (form, signal) =>
  (await ask("/v1/search", { method: "POST", body: form, signal })).json();

export async function tokens(sentence, signal) {
  const form = new FormData();
  form.append("text", sentence);
  return (await ask("/v1/tokens", { method: "POST", body: form, signal })).json();
}

export const picture = async (address, signal) => (await ask(address, { signal })).blob();
