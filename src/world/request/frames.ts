// Every page, service hop and query under way, as rows of one set of typed arrays: nothing is allocated per request.

const INITIAL_FRAMES = 1024;

/** Where a frame stands. */
export const FrameState = {
  free: 0,
  /** A client waits for its page. */
  page: 1,
  /** A failed page waits to be loaded again. */
  reloading: 2,
  /** A hop waits in a replica's queue. */
  queued: 3,
  /** A hop does its own work. */
  working: 4,
  /** A hop waits for the answer to a call. */
  calling: 5,
  /** A hop waits before it tries a call again. */
  backingOff: 6,
  /** A query waits for a connection. */
  waiting: 7,
  /** A query holds a connection. */
  querying: 8,
  /** An answer is on its way over a slow link. */
  delivering: 9,
  /** Its replica was killed; the row is kept until its pending event comes. */
  dead: 10,
} as const;

/**
 * The rows. A row's `token` changes whenever what it waits for changes, so that a late answer to a caller that gave
 * up finds another token and is dropped. Masks have one bit per release: `slow` holds the releases whose effects
 * changed the frame's time (its own, what it waited behind, what it called).
 */
export class FramePool {
  capacity = INITIAL_FRAMES;
  /** Rows that were ever used: a scan needs to look no further. */
  highWater = 0;
  #free = -1;

  state = new Uint8Array(INITIAL_FRAMES);
  token = new Int32Array(INITIAL_FRAMES);
  /** The frame that waits for this one's answer, and its token when it began to wait. */
  parent = new Int32Array(INITIAL_FRAMES);
  parentToken = new Int32Array(INITIAL_FRAMES);
  /** Links of the free list, of a replica's queue, and of a database's pool queue. */
  next = new Int32Array(INITIAL_FRAMES);

  /** What drawing needs: traffic stream, arrival number, and the hop's own number in the call tree. */
  stream = new Uint8Array(INITIAL_FRAMES);
  entity = new Float64Array(INITIAL_FRAMES);
  base = new Int32Array(INITIAL_FRAMES);
  user = new Int32Array(INITIAL_FRAMES);
  segment = new Uint8Array(INITIAL_FRAMES);

  /** Called endpoint of the world (pages and hops); database (queries). */
  target = new Int32Array(INITIAL_FRAMES);
  /** Serving version and replica (hops); version and replica of the caller (queries). */
  version = new Int32Array(INITIAL_FRAMES);
  replica = new Int32Array(INITIAL_FRAMES);
  /** Version and replica of the caller, -1 for a client. */
  callerReplica = new Int32Array(INITIAL_FRAMES);
  startedAt = new Float64Array(INITIAL_FRAMES);
  /** Which call of the endpoint is under way, and which try of it; of a page: how often it was reloaded. */
  call = new Int32Array(INITIAL_FRAMES);
  attempt = new Int32Array(INITIAL_FRAMES);
  slow = new Int32Array(INITIAL_FRAMES);
  /** Why own work will fail (0 no, 1 yes), and the releases to blame for it. */
  fails = new Uint8Array(INITIAL_FRAMES);
  blame = new Int32Array(INITIAL_FRAMES);
  /** 1 when the answer has to cross a link with a latency effect. */
  slowLink = new Uint8Array(INITIAL_FRAMES);

  /** Takes a row; everything but `token` is the caller's to set. */
  take(): number {
    let frame = this.#free;
    if (frame >= 0) {
      this.#free = this.next[frame];
      return frame;
    }
    frame = this.highWater;
    this.highWater += 1;
    if (frame === this.capacity) this.#grow();
    return frame;
  }

  /** Gives a row back; whoever still refers to it sees another token. */
  release(frame: number): void {
    this.state[frame] = FrameState.free;
    this.token[frame] += 1;
    this.next[frame] = this.#free;
    this.#free = frame;
  }

  #grow(): void {
    const capacity = 2 * this.capacity;
    this.capacity = capacity;
    this.state = widen(this.state, new Uint8Array(capacity));
    this.token = widen(this.token, new Int32Array(capacity));
    this.parent = widen(this.parent, new Int32Array(capacity));
    this.parentToken = widen(this.parentToken, new Int32Array(capacity));
    this.next = widen(this.next, new Int32Array(capacity));
    this.stream = widen(this.stream, new Uint8Array(capacity));
    this.entity = widen(this.entity, new Float64Array(capacity));
    this.base = widen(this.base, new Int32Array(capacity));
    this.user = widen(this.user, new Int32Array(capacity));
    this.segment = widen(this.segment, new Uint8Array(capacity));
    this.target = widen(this.target, new Int32Array(capacity));
    this.version = widen(this.version, new Int32Array(capacity));
    this.replica = widen(this.replica, new Int32Array(capacity));
    this.callerReplica = widen(this.callerReplica, new Int32Array(capacity));
    this.startedAt = widen(this.startedAt, new Float64Array(capacity));
    this.call = widen(this.call, new Int32Array(capacity));
    this.attempt = widen(this.attempt, new Int32Array(capacity));
    this.slow = widen(this.slow, new Int32Array(capacity));
    this.fails = widen(this.fails, new Uint8Array(capacity));
    this.blame = widen(this.blame, new Int32Array(capacity));
    this.slowLink = widen(this.slowLink, new Uint8Array(capacity));
  }
}

function widen<T extends Uint8Array | Int32Array | Float64Array>(old: T, wide: T): T {
  wide.set(old);
  return wide;
}
