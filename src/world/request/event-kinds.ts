// The sorts of events of the request world: what an integer in the queue means, and what its subject is.

export const EventKind = {
  /** Subject: traffic stream. The next page arrives. */
  arrival: 0,
  /** Subject: frame. A replica finished the frame's own work. */
  workDone: 1,
  /** Subject: frame. A database finished the query. */
  queryDone: 2,
  /** Subject: timeout lane of calls. Hops give up on their current call. */
  callTimeout: 3,
  /** Subject: frame. The backoff before a retry is over. */
  retry: 4,
  /** Subject: frame. An answer crossed a slow link. */
  delivered: 5,
  /** Subject: frame. A client loads a failed page again. */
  reload: 6,
  /** Subject: database. Queries have waited for a connection as long as they may. */
  poolTimeout: 7,
  /** Subject: entry of the agenda. Something rare: a replica gets ready, an effect begins, a probe is due. */
  agenda: 8,
  /** Subject: none. Clients give up on their pages. */
  pageTimeout: 9,
} as const;
