// Files for the user: made here, handed to the browser's own download.
import { byId, say } from "./dom.js";
import { clearProblems, tell } from "./problems.js";
import { recordOf } from "./record.js";
import { htmlOf } from "./report.js";

/** Make the buttons of the shortlist work. */
export function setUpSaving(shortlist) {
  const saved = (suffix, type, textOf) => async () => {
    clearProblems();
    try {
      const record = await recordOf(shortlist.all);
      const name = `shortlist-${record.written.slice(0, 19).replaceAll(":", "")}.${suffix}`;
      hand(name, new Blob([await textOf(record)], { type }));
      shortlist.saved();
      say(`Saved as ${name}.`);
    } catch (problem) {
      tell(problem, "problem-shortlist");
    }
  };
  byId("export-json").addEventListener("click", saved("json", "application/json", (record) => `${JSON.stringify(record, null, 2)}\n`));
  byId("export-html").addEventListener("click", saved("html", "text/html", async (record) => htmlOf(record, await style())));
  byId("print").addEventListener("click", () => print(shortlist.all));
}

/** Print what "Save as HTML" would save. From the browser's own menu the list is printed as it stands in the page. */
async function print(entries) {
  clearProblems();
  const addresses = [];
  const addressOf = (blob) => addresses[addresses.push(URL.createObjectURL(blob)) - 1];
  const clear = () => {
    byId("report-style").media = "not all";
    byId("printed").replaceChildren();
    addresses.forEach((address) => URL.revokeObjectURL(address));
  };
  try {
    const report = new DOMParser().parseFromString(htmlOf(await recordOf(entries, addressOf), ""), "text/html");
    byId("printed").replaceChildren(...report.body.children);
    byId("report-style").media = "print";
    await Promise.all([...byId("printed").querySelectorAll("img")].map((image) => image.decode().catch(() => null))); // TIFF
    window.addEventListener("afterprint", clear, { once: true }); // not every browser waits in print()
    window.print();
  } catch (problem) {
    clear();
    tell(problem, "problem-shortlist");
  }
}

const style = async () => (await fetch("style/report.css")).text();

function hand(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may still be reading it
}
