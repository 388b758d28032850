// Nobody reads any more: a command that only tells ends, one that has processes to end and files to write goes on.

import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { Readers } from "../../src/cli/readers.js";

function listening(): { readonly readers: Readers; readonly stdout: EventEmitter; readonly stderr: EventEmitter; readonly ends: () => number } {
  const [readers, stdout, stderr] = [new Readers(), new EventEmitter(), new EventEmitter()];
  let ends = 0;
  readers.listen(stdout, stderr, () => (ends += 1));
  return { readers, stdout, stderr, ends: () => ends };
}

const failure = (code: string): Error => Object.assign(new Error(`write ${code}`), { code });

describe("output that nobody reads", () => {
  it("ends the command when its reader is gone, and is an error otherwise", () => {
    const { stdout, ends } = listening();
    stdout.emit("error", failure("EPIPE"));
    stdout.emit("error", failure("EIO"));
    expect(ends()).toBe(2);
    expect(() => stdout.emit("error", failure("ENOSPC"))).toThrow("ENOSPC");
  });

  it("ends nothing once there is more to do than to tell", () => {
    const { readers, stdout, ends } = listening();
    readers.goOn();
    for (const code of ["EPIPE", "EIO", "ENOSPC"]) stdout.emit("error", failure(code));
    expect(ends()).toBe(0);
  });

  it("never ends anything on standard error", () => {
    const { stderr, ends } = listening();
    for (const code of ["EPIPE", "EIO"]) stderr.emit("error", failure(code));
    expect(ends()).toBe(0);
  });
});
