// The process of the load generator.

import { LoadGenerator } from "./load/load-generator.js";
import { runChild } from "./shared/child.js";

runChild("load", (setup, send) => {
  const load = new LoadGenerator(setup, send);
  load.start();
  return load;
});
