// Every file that ships under scenarios/ is well, by itself.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { nodeFiles } from "../../src/cli/files.js";
import { validateFile } from "../../src/scenario/load.js";

const folder = fileURLToPath(new URL("../../scenarios", import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => /\.ya?ml$/.test(file)).sort();

describe("shipped files", () => {
  it.each(files.map((file) => [file]))("%s has no problem", (file) => {
    expect(validateFile(join(folder, file), nodeFiles())).toEqual([]);
  });
});
