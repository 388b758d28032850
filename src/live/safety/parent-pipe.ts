// Called first by every child process of a game day: it exits when the pipe from its parent closes, however the parent went.

import { fstatSync } from "node:fs";
import { Socket } from "node:net";

export interface ParentPipeOptions {
  /** The inherited pipe; standard input unless told otherwise. */
  readonly fd?: number;
  /** What can be done in no time, e.g. closing a socket. */
  readonly onOrphaned?: () => void;
}

/**
 * Exits this process as soon as its parent is gone: the kernel closes the parent's end of the pipe, after kill -9 too. Throws
 * when there is no such pipe, since then nothing would tie this process to its game day. Ctrl-C is the parent's affair.
 */
export function exitWithParent({ fd = 0, onOrphaned }: ParentPipeOptions = {}): void {
  const leave = (): void => {
    try {
      onOrphaned?.();
    } finally {
      process.exit(0);
    }
  };
  process.on("SIGINT", () => undefined);
  if (process.connected) {
    process.on("disconnect", leave);
    return;
  }
  const stat = fstatSync(fd);
  if (!stat.isFIFO() && !stat.isSocket()) throw new Error(`file descriptor ${fd} is no pipe from a parent: start this process through a game day`);
  const pipe = fd === 0 ? process.stdin : new Socket({ fd, readable: true, writable: false });
  pipe.on("end", leave);
  pipe.on("close", leave);
  pipe.on("error", leave);
  pipe.resume();
}
