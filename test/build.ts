// Before the tests: builds the command if a source file is newer than the build, since some tests run it as a user does.

import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { globSync } from "tinyglobby";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BUILT = join(ROOT, "dist/.tsbuildinfo");

export function setup(): void {
  const builtAt = existsSync(BUILT) ? statSync(BUILT).mtimeMs : 0;
  const newest = Math.max(...globSync("src/**/*.ts", { cwd: ROOT, absolute: true }).map((file) => statSync(file).mtimeMs));
  if (newest > builtAt) execFileSync("npm", ["run", "build", "--silent"], { cwd: ROOT, stdio: "inherit", shell: process.platform === "win32" });
}
