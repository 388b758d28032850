// Where the tests are and how long one may take; .ci/run asks for a report that a program can read.

import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const report = process.env["SHAKEDOWN_TEST_REPORT"];
const testTimeout = 120_000;

/** Tests that start processes, servers and game days: they mostly wait, and others that compute beside them would make them late. */
const REAL_TIME = ["test/live/**/*.test.ts", "test/lab/redis/**/*.test.ts", "test/lab/resume.test.ts", "test/delivery/conformance-local.test.ts"];

export default defineConfig({
  test: {
    globalSetup: ["test/build.ts"],
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    projects: [
      {
        test: {
          testTimeout,
          name: "computed",
          include: ["test/**/*.test.ts"],
          exclude: REAL_TIME,
          pool: "threads",
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      // Afterwards, two files at once, each in a process of its own: some of them measure memory.
      { test: { testTimeout, name: "real time", include: REAL_TIME, pool: "forks", maxWorkers: 2, sequence: { groupOrder: 1 } } },
    ],
  },
});
