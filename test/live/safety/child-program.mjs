// A replica for the tests: does nothing until its parent goes; told to be stubborn, it does not hear SIGTERM.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [built, ...options] = process.argv.slice(2);
const { exitWithParent } = await import(pathToFileURL(join(built, "live/safety/parent-pipe.js")).href);
exitWithParent();
if (options.includes("stubborn")) {
  process.on("SIGTERM", () => undefined);
  // Tells the test that it is so far.
  process.title = "stubborn";
}
setTimeout(() => undefined, 60_000);
