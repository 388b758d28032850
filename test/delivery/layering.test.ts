// Engines and deliveries decide without knowing in which world: they import neither the simulated nor the live one.

import { readFileSync } from "node:fs";
import { globSync } from "tinyglobby";
import { describe, expect, it } from "vitest";

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  engines: ["engines", "telemetry", "kernel"],
  delivery: ["delivery", "engines", "telemetry", "kernel", "xstate"],
};

describe.each(Object.keys(ALLOWED))("%s", (layer) => {
  const files = globSync(`src/${layer}/**/*.ts`);

  it.each(files)("%s imports only what lies below it", (file) => {
    const imports = [...readFileSync(file, "utf8").matchAll(/from "([^"]+)"/g)].map(([, specifier]) => specifier);
    for (const specifier of imports) {
      const resolved = specifier.startsWith(".") ? new URL(specifier, `file:///${file}`).pathname.split("/")[2] : specifier;
      expect(ALLOWED[layer]).toContain(resolved);
    }
  });
});
