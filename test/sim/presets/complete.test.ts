// Every preset is shown: a test in this folder is named after it, for both fidelities.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PRESET_NAMES } from "../../../src/scenario/presets.js";

const FOLDER = dirname(fileURLToPath(import.meta.url));
const TESTS = readdirSync(FOLDER).filter((file) => file.endsWith(".test.ts")).map((file) => readFileSync(join(FOLDER, file), "utf8"));

describe("presets", () => {
  it.each(PRESET_NAMES)("%s is shown in both fidelities", (preset) => {
    expect(TESTS.filter((text) => text.includes(`describe.each(FIDELITIES)("${preset}, in %s"`))).toHaveLength(1);
  });
});
