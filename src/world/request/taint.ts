// How blame spreads: from what a release slowed to whoever calls it or waits behind it.

import type { Core } from "./core.js";
import { FrameState } from "./frames.js";

export class Taint {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * The frame's time was changed by these releases; whoever waits for it is slowed by them, too, and so is whoever
   * waits for a slot or connection that one of them holds. With a token given, only if the frame still has it.
   */
  addSlow(start: number, mask: number, startToken?: number): void {
    const { frames, replicas, databases } = this.#core;
    let token = startToken ?? (start < 0 ? 0 : frames.token[start]);
    for (let frame = start; frame >= 0 && frames.token[frame] === token; ) {
      const more = mask & ~frames.slow[frame];
      if (more === 0) return;
      frames.slow[frame] |= more;
      const state = frames.state[frame];
      if (state === FrameState.working || state === FrameState.calling || state === FrameState.backingOff) {
        replicas[frames.replica[frame]].slowInSlots.add(more);
      } else if (state === FrameState.querying) {
        databases.slowed(frames.target[frame], more);
      }
      if (state === FrameState.page || state === FrameState.reloading) return;
      token = frames.parentToken[frame];
      frame = frames.parent[frame];
    }
  }
}
