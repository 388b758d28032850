// A game day's main process for the tests: begins one by the built guard, with children and faults as told, and says who they are.

import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [built, folder, id, ...options] = process.argv.slice(2);
const at = (file) => pathToFileURL(join(built, "live/safety", file)).href;
const { GameDayGuard } = await import(at("guard.js"));
const { signalIf } = await import(at("identity.js"));
const { onStopRequest } = await import(at("stop.js"));

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const limit = options.find((option) => option.startsWith("limit="));
const guard = await GameDayGuard.begin({
  id,
  folder,
  limitMs: limit === undefined ? 60_000 : Number(limit.slice("limit=".length)),
  onLost: (loss) => {
    say({ lost: loss.kind, text: loss.text });
    if (!options.includes("stay")) void guard.end(loss.text).then(({ left }) => process.exit(left.length === 0 ? 9 : 8));
  },
});
onStopRequest((request) => {
  if (options.includes("deaf")) return;
  void guard.end(request).then(() => process.exit(0));
});

const child = (role) => guard.spawn({ role, run: { node: join(dirname(process.argv[1]), "child-program.mjs") }, args: [built], stdout: "ignore", stderr: "ignore" });
const temporary = guard.temporaryFolder("data");
const children = [child("shop v1 #1"), child("shop v1 #2")];
if (options.includes("foreign")) children.push(guard.spawn({ role: "prometheus", run: { program: "sleep" }, args: ["60"], stdout: "ignore", stderr: "ignore" }));
const stopFor = options.find((option) => option.startsWith("stop="));
if (stopFor !== undefined) {
  const [victim] = children;
  await guard.beginFault(
    { fault: "f1", what: "SIGSTOP", victim: victim.role, forMs: Number(stopFor.slice("stop=".length)), revert: { how: "continue", victim: victim.identity } },
    () => void signalIf(victim.identity, "SIGSTOP"),
  );
}
if (options.includes("tell")) {
  const [victim] = children;
  const tell = () => undefined;
  await guard.beginFault({ fault: "f2", what: "latency x3", victim: victim.role, forMs: 100, revert: { how: "tell", victims: [victim.identity] }, tell }, () => undefined);
}
say({ main: process.pid, children: children.map(({ identity }) => identity), temporary });
if (options.includes("hang")) for (;;);
