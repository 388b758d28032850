// The process of the proxy.

import { ProxyServer } from "./proxy/proxy-server.js";
import { runChild } from "./shared/child.js";

runChild("proxy", async (setup, send) => {
  const server = new ProxyServer(setup, send);
  await server.start();
  return server;
});
