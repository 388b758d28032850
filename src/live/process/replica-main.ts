// The process of one replica.

import { ReplicaServer } from "./replica/replica-server.js";
import { offerToOutOfMemory, runChild } from "./shared/child.js";

runChild("replica", async (setup, send) => {
  offerToOutOfMemory();
  // What was reported last leaves through a pipe of its own.
  const server = new ReplicaServer(setup, send, (code) => setTimeout(() => process.exit(code), 5));
  await server.start();
  return server;
});
