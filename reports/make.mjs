// `npm run gallery`: makes the reports that the README links to, from shipped scenarios, and their pictures.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(HERE);
/** Each report: its file's name, the scenario, and what a reader sees in it. */
const GALLERY = [
  ["error-spike", "scenarios/basics/error-spike.yaml", "A bad release on real traffic, noticed and rolled back"],
  ["flag-is-enough", "scenarios/basics/flag-is-enough.yaml", "One endpoint behind a flag: switching the flag off is enough"],
  ["cold-start", "scenarios/false-alarms/cold-start.yaml", "A healthy release whose cold replicas look like a regression"],
  ["memory-leak", "scenarios/blind-spots/memory-leak.yaml", "A leak that shows only after promotion"],
  ["fails-once", "scenarios/rollback/fails-once.yaml", "A rollback that fails once and is tried again"],
];
const PICTURE_OF = "error-spike";

const work = mkdtempSync(join(tmpdir(), "gallery-"));
try {
  const rows = GALLERY.map(([name, scenario, about]) => {
    execFileSync(process.execPath, [join(ROOT, "dist/cli/main.js"), "run", scenario, "--out", join(work, name)], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    const folder = onlyFolder(onlyFolder(join(work, name)));
    copyFileSync(join(folder, "report.html"), join(HERE, `${name}.html`));
    const outcome = JSON.parse(readFileSync(join(folder, "outcome.json"), "utf8"));
    return `| [${name}](${name}.html) | ${about} | ${outcome.releases.map((release) => release.classification).join(", ")} | \`${outcome.replay}\` |`;
  });
  const head = ["# Gallery", "", "Real reports of shipped scenarios; open the HTML files in a browser. `npm run gallery` makes them again.", "", "| report | what it shows | classification | made by |", "|---|---|---|---|"];
  const pages = [
    ["agreement.md", "holds the two fidelities against each other, cell by cell (`npm run agreement`)"],
    ["game-days.md", "holds game days on real processes against what was simulated of them (`npm run gameday:repeats`)"],
  ];
  const foot = pages.flatMap(([file, about]) => (existsSync(join(HERE, file)) ? ["", `[${file}](${file}) ${about}.`] : []));
  writeFileSync(join(HERE, "README.md"), `${[...head, ...rows, ...foot].join("\n")}\n`);
  picture(join(HERE, `${PICTURE_OF}.html`), join(HERE, `${PICTURE_OF}.png`));
} finally {
  rmSync(work, { recursive: true, force: true });
}

function onlyFolder(parent) {
  return join(parent, readdirSync(parent)[0]);
}

/** A screenshot by headless Chromium, where there is one. */
function picture(html, png) {
  const chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
  if (chromium === undefined) {
    console.error("no Chromium here: the picture stays as it was");
    return;
  }
  const profile = join(work, "profile");
  mkdirSync(profile);
  const quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  execFileSync(chromium, [...quiet, `--user-data-dir=${profile}`, "--hide-scrollbars", "--window-size=1200,1500", `--screenshot=${png}`, `file://${html}`], { stdio: "ignore" });
}
