// The process of the flag service.

import { FlagServer } from "./flags/flag-server.js";
import { runChild } from "./shared/child.js";

runChild("flags", async (setup, send) => {
  const server = new FlagServer(setup, send);
  await server.start();
  return server;
});
