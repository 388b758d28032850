// What makes two pools the same queue.

/** How many replicas the balancer looks at before it picks the least busy one; 1 looks at none. */
export interface QueueShape {
  readonly choices: number;
  /** Requests go to the replicas in turn: each sees arrivals more regular than chance. */
  readonly inTurn: boolean;
  readonly replicas: number;
  readonly slots: number;
  /** Waiting places per replica. */
  readonly places: number;
  /** A queue of short waits within longer answers (a database's): they push the tail in proportion. */
  readonly inner?: boolean;
}
