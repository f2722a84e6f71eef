// Files for the user: made here, handed to the browser's own download.
import { byId, say } from "./dom.js";
import { showAll } from "./pictures.js";
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
  byId("print").addEventListener("click", async () => {
    await showAll(byId("chosen"));
    window.print();
  });
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
