// A bundle as bytes that threads share: sent by reference, and read only by a thread that does not know it yet.

import type { Bundle } from "./bundle.js";

export interface SharedBundle {
  readonly hash: string;
  readonly bytes: SharedArrayBuffer;
}

export function encodeBundle(bundle: Bundle): SharedBundle {
  const text = JSON.stringify(bundle);
  const bytes = new SharedArrayBuffer(Buffer.byteLength(text));
  Buffer.from(bytes).write(text, "utf8");
  return { hash: bundle.hash, bytes };
}

export function decodeBundle({ bytes }: SharedBundle): Bundle {
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Bundle;
}
