// Where Redis is: no password on a command line or in a message, and one clear line for what is wrong.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisPlace } from "../../../src/lab/redis/place.js";
import { temporaryFolder } from "./support.js";

let folder = "";
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const none = { environment: {} };

describe("the place of a Redis", () => {
  it("is read from a URL: host, port, database, TLS", () => {
    expect(redisPlace("redis://cache", none)).toMatchObject({ host: "cache", port: 6379, database: 0, tls: null, user: null, password: null, name: "redis://cache" });
    expect(redisPlace("rediss://cache.example:6390/3", none)).toMatchObject({ host: "cache.example", port: 6390, database: 3, tls: { ca: null }, name: "rediss://cache.example:6390/3" });
    expect(redisPlace("redis://[::1]:7000/", none)).toMatchObject({ host: "::1", port: 7000, database: 0 });
  });

  it("takes user and password from the environment, or the password from a file", () => {
    expect(redisPlace("redis://h", { environment: { SHAKEDOWN_REDIS_USER: "lab", SHAKEDOWN_REDIS_PASSWORD: "s3cret" } })).toMatchObject({ user: "lab", password: "s3cret", name: "redis://h" });
    writeFileSync(join(folder, "password"), "from file\n");
    expect(redisPlace("redis://h", { ...none, passwordFile: join(folder, "password") })).toMatchObject({ password: "from file" });
    expect(redisPlace("redis://h", { environment: { SHAKEDOWN_REDIS_PASSWORD: "" } }).password).toBeNull();
  });

  it("refuses a URL with a user or password in it, says where they belong, and does not repeat them", () => {
    for (const url of ["redis://lab:s3cret@h:1/2", "redis://:s3cret@h:1/2", "redis://s3cret@h:1/2"]) {
      expect(() => redisPlace(url, none)).toThrow(/write --redis redis:\/\/h:1\/2, and put them into SHAKEDOWN_REDIS_USER and SHAKEDOWN_REDIS_PASSWORD/);
      expect(() => redisPlace(url, none)).not.toThrow(/s3cret/);
    }
    expect(() => redisPlace("redis://h?password=s3cret", none)).toThrow(/nothing may follow/);
    expect(() => redisPlace("redis://h?password=s3cret", none)).not.toThrow(/s3cret/);
    expect(() => redisPlace("https://u:s3cret@h", none)).not.toThrow(/s3cret/);
  });

  it("refuses what is no such URL, and files that are not there, are empty or of no use", () => {
    for (const url of ["", "h:6379", "http://h", "redis://", "redis:///3"]) expect(() => redisPlace(url, none)).toThrow(/^--redis: write redis:\/\/HOST:PORT/);
    expect(() => redisPlace("redis://h/three", none)).toThrow(/database's number/);
    expect(() => redisPlace("redis://h", { ...none, passwordFile: join(folder, "none") })).toThrow(/--redis-password-file .*none: cannot be read/);
    mkdirSync(join(folder, "dir"));
    expect(() => redisPlace("redis://h", { ...none, passwordFile: join(folder, "dir") })).toThrow(/cannot be read/);
    writeFileSync(join(folder, "empty"), "\n");
    expect(() => redisPlace("redis://h", { ...none, passwordFile: join(folder, "empty") })).toThrow(/is empty/);
    expect(() => redisPlace("redis://h", { environment: { SHAKEDOWN_REDIS_PASSWORD: "a" }, passwordFile: join(folder, "empty") })).toThrow(/take one of them away/);
    expect(() => redisPlace("redis://h", { ...none, ca: "ca.pem" })).toThrow(/rediss:\/\//);
  });
});
