// The files of deploy/ against the schemas of Kubernetes and KEDA, unknown keys included, and against what the worker really does.

import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { packageVersion } from "../../../src/lab/build.js";
import { QUEUE } from "../../../src/lab/redis/protocol.js";
import { ROOT } from "../support/bundles.js";

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
}

const text = (file: string): string => readFileSync(join(ROOT, "deploy", file), "utf8");

/** Every document of a file; a key that stands twice is an error. */
const documents = (file: string): readonly Manifest[] =>
  parseAllDocuments(text(file), { uniqueKeys: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Manifest;
  });

type Model = new (data: never) => { validate(): void };
const models: Readonly<Record<string, Model>> = {
  "v1 ConfigMap": ConfigMap as unknown as Model,
  "apps/v1 Deployment": Deployment as unknown as Model,
  "keda.sh/v1alpha1 ScaledObject": ScaledObject as unknown as Model,
  "keda.sh/v1alpha1 TriggerAuthentication": TriggerAuthentication as unknown as Model,
};

/** What is wrong with a manifest; the schemas let unknown keys pass, which a validator is seen to never look at. */
function problemsOf(manifest: unknown): readonly string[] {
  const { apiVersion, kind } = manifest as Manifest;
  const model = models[`${apiVersion} ${kind}`];
  if (model === undefined) return [`no schema for ${apiVersion} ${kind}`];
  const seen = new Set<string>();
  try {
    const checked = new model({} as never);
    Object.assign(checked, watched(manifest as object, "", seen));
    checked.validate();
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
  return pathsOf(manifest, "").filter((path) => !seen.has(path)).map((path) => `${path} is unknown`);
}

/** The object, which writes down whatever is read of it. */
function watched(object: object, path: string, seen: Set<string>): object {
  return new Proxy(object, {
    get(target, key): unknown {
      const value: unknown = Reflect.get(target, key);
      if (typeof key === "string" && Object.hasOwn(target, key)) seen.add(`${path}/${key}`);
      return typeof value === "object" && value !== null ? watched(value, `${path}/${String(key)}`, seen) : value;
    },
  });
}

const pathsOf = (value: unknown, path: string): readonly string[] =>
  typeof value !== "object" || value === null ? [] : Object.entries(value).flatMap(([key, inner]) => [`${path}/${key}`, ...pathsOf(inner, `${path}/${key}`)]);

const [config, deployment] = documents("worker.yaml");
const [authentication, scaled] = documents("keda.yaml");
const dig = (object: unknown, ...path: readonly (string | number)[]): unknown => path.reduce((at: unknown, key) => (at as Record<string | number, unknown>)[key], object);
const container = dig(deployment, "spec", "template", "spec", "containers", 0);

describe("the manifests", () => {
  it("are what Kubernetes' and KEDA's schemas say, and nothing that these do not know", () => {
    for (const manifest of [config, deployment, authentication, scaled]) expect([manifest.kind, problemsOf(manifest)]).toEqual([manifest.kind, []]);
  });

  it("would not pass with a slip of the pen", () => {
    const slipped = (change: (text: string) => string, file: string): readonly string[] => parseAllDocuments(change(text(file))).flatMap((document) => problemsOf(document.toJS()));
    expect(slipped((all) => all.replace("runAsNonRoot", "runAsNonRot"), "worker.yaml")).toEqual(["/spec/template/spec/securityContext/runAsNonRot is unknown"]);
    expect(slipped((all) => all.replace("secretKeyRef", "secretKeyref"), "worker.yaml")).toContainEqual("/spec/template/spec/containers/0/env/1/valueFrom/secretKeyref is unknown");
    expect(slipped((all) => all.replace("replicas: 1", "replicas: one"), "worker.yaml").join()).toContain("/spec/replicas");
    expect(slipped((all) => all.replace("maxReplicaCount: 20", 'maxReplicaCount: "20"'), "keda.yaml").join()).toContain("maxReplicaCount");
    expect(slipped((all) => all.replace("secretTargetRef", "secretTarget"), "keda.yaml")).toContainEqual("/spec/secretTarget is unknown");
    expect(slipped((all) => all.replace("      metadata:\n        # As", "      meta:\n        # As"), "keda.yaml").join()).toContain("metadata");
  });

  it("fit together: names, the secret, the namespace", () => {
    expect(new Set([config, deployment, authentication, scaled].map(({ metadata }) => metadata.namespace))).toEqual(new Set(["shakedown"]));
    expect(dig(deployment, "spec", "selector", "matchLabels")).toEqual(dig(deployment, "spec", "template", "metadata", "labels"));
    expect(dig(scaled, "spec", "scaleTargetRef", "name")).toBe(deployment.metadata.name);
    expect(dig(scaled, "spec", "triggers", 0, "authenticationRef", "name")).toBe(authentication.metadata.name);
    expect(dig(container, "env", 0, "valueFrom", "configMapKeyRef")).toEqual({ name: config.metadata.name, key: "url" });
    const { name, key } = dig(container, "env", 1, "valueFrom", "secretKeyRef") as { name: string; key: string };
    expect(dig(authentication, "spec", "secretTargetRef", 0)).toEqual({ parameter: "password", name, key });
    expect(dig(config, "data", "url")).toBe(`redis://${String(dig(scaled, "spec", "triggers", 0, "metadata", "address"))}`);
  });

  it("scale by the list that batches really wait in, and start this very version", () => {
    expect(dig(scaled, "spec", "triggers", 0, "metadata", "listName")).toBe(`bull:${QUEUE}:wait`);
    expect(dig(container, "image")).toBe(`shakedown-worker:${packageVersion()}`);
    expect(text("Containerfile")).toContain(`-t ${String(dig(container, "image"))} `);
  });

  it("give a worker no more than it needs", () => {
    expect(dig(deployment, "spec", "template", "spec")).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } } });
    expect(container).toMatchObject({ securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } }, resources: { limits: { cpu: "2" }, requests: { cpu: "2" } } });
    expect(text("worker.yaml")).not.toMatch(/password: *[^ }\n]/);
  });
});

describe("the container file", () => {
  it("builds on node:20-slim, installs what the lock says without development packages, and runs the worker without rights", () => {
    const lines = text("Containerfile").split("\n");
    expect(lines.filter((line) => line.startsWith("FROM "))).toEqual(["FROM node:20-slim AS build", "FROM node:20-slim"]);
    const last = lines.slice(lines.lastIndexOf("FROM node:20-slim"));
    expect(last.join("\n")).toContain("npm ci --omit=dev");
    expect(last).toContain("USER 1000:1000");
    expect(last).toContain('ENTRYPOINT ["shakedown", "worker"]');
  });
});
