// How GitHub's annotations name a file: from the folder that the repository was checked out to, whatever folder a job works in.

import { isAbsolute, relative, resolve } from "node:path";
import { realNearest } from "../files.js";

/** Names files from `workspace` (GITHUB_WORKSPACE in a job); as they were typed where there is none, or outside of it. */
export function pathsFrom(workspace: string | undefined): (file: string) => string {
  if (workspace === undefined || workspace === "") return (file) => file;
  const folder = realNearest(resolve(workspace));
  return (file) => {
    const steps = relative(folder, realNearest(resolve(file)));
    return steps.startsWith("..") || isAbsolute(steps) ? file : steps.split("\\").join("/");
  };
}
