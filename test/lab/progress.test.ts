// The progress line: runs done, rate, time left and how it looks so far; silent when nobody watches.

import { describe, expect, it } from "vitest";
import { Progress } from "../../src/cli/progress.js";
import type { Terminal } from "../../src/cli/terminal.js";

function watched(live: boolean): { readonly terminal: Terminal; readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, terminal: { color: false, width: 100, live, print: () => undefined, warn: () => undefined, status: (text) => void lines.push(text) } };
}

describe("progress", () => {
  it("says runs done, rate, time left and the interim verdict", () => {
    const { terminal, lines } = watched(true);
    let now = 0;
    const progress = new Progress(terminal, "sweep", 400, () => now);
    for (const runs of [1, 50, 100]) {
      now += 1000;
      progress.step(runs, "caught 9 of 10");
    }
    expect(lines.at(-1)).toBe("sweep: 100 of 400 runs, 33 per second, 9 s left, caught 9 of 10");
  });

  it("leaves out of the rate what was done before --resume, and the time left where no total is known", () => {
    const { terminal, lines } = watched(true);
    let now = 0;
    const progress = new Progress(terminal, "bake time", null, () => now);
    now = 1000;
    progress.step(901);
    now = 2000;
    progress.step(920);
    expect(lines.at(-1)).toBe("bake time: 920 runs, 10 per second");
  });

  it("is one line of the terminal, not too often, and nothing at all where nobody watches", () => {
    const { terminal, lines } = watched(true);
    let now = 0;
    const progress = new Progress(terminal, "x".repeat(150), 10, () => now);
    for (let run = 1; run <= 10; run += 1) {
      now += 20;
      progress.step(run);
    }
    expect(lines).toHaveLength(2);
    expect(lines[0]).toHaveLength(99);
    const unwatched = watched(false);
    new Progress(unwatched.terminal, "quiet", 10).step(1);
    expect(unwatched.lines).toEqual([]);
  });
});
