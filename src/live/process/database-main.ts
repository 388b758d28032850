// The process of one database.

import { DatabaseServer } from "./database/database-server.js";
import { runChild } from "./shared/child.js";

runChild("database", async (setup, send) => {
  const server = new DatabaseServer(setup, send);
  await server.start();
  return server;
});
