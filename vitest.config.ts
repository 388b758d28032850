// Where the tests are and how long one may take; .ci/run asks for a report that a program can read.

import { defineConfig } from "vitest/config";

const report = process.env["SHAKEDOWN_TEST_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build.ts"],
    testTimeout: 120_000,
    pool: "threads",
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
  },
});
