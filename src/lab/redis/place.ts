// Where Redis is and how to get in: read from a URL and the environment, so that no password stands on a command line.

import { readFileSync } from "node:fs";
import { RedisTrouble } from "./trouble.js";

export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly tls: { readonly ca: string | null } | null;
  readonly user: string | null;
  readonly password: string | null;
  /** The URL for people: it holds no secret. */
  readonly name: string;
}

export interface RedisPlaceOptions {
  readonly passwordFile?: string;
  /** A file with the certificates of the authority that signed the server's. */
  readonly ca?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const USUAL_PORT = 6379;
const MOST_DATABASE = 65_535;
const MOST_SECRET_BYTES = 64 * 1024;

/** Reads `--redis URL` and what belongs to it. Throws RedisTrouble, which never repeats a secret. */
export function redisPlace(text: string, { passwordFile, ca, environment = process.env }: RedisPlaceOptions = {}): RedisPlace {
  const url = urlOf(text);
  const name = `${url.protocol}//${url.host}${url.pathname.replace(/^\/$/, "")}`;
  if (url.username !== "" || url.password !== "") {
    throw new RedisTrouble(`--redis: a user or password in the URL is seen by everybody on the machine: write --redis ${name}, and put them into SHAKEDOWN_REDIS_USER and SHAKEDOWN_REDIS_PASSWORD, or name a file with --redis-password-file`);
  }
  if (url.search !== "" || url.hash !== "") throw new RedisTrouble(`--redis: nothing may follow the database's number; write --redis ${name}`);
  const database = /^\/?$/.test(url.pathname) ? "0" : url.pathname.slice(1);
  if (!/^\d{1,5}$/.test(database) || Number(database) > MOST_DATABASE) throw new RedisTrouble(`--redis ${name}: after the host comes the database's number, as in redis://localhost:6379/0`);
  if (ca !== undefined && url.protocol !== "rediss:") throw new RedisTrouble(`--redis-ca: is for TLS; write rediss:// instead of redis://`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? USUAL_PORT : Number(url.port),
    database: Number(database),
    tls: url.protocol === "rediss:" ? { ca: ca === undefined ? null : fileOf("--redis-ca", ca) } : null,
    user: emptyIsNull(environment["SHAKEDOWN_REDIS_USER"]),
    password: passwordOf(passwordFile, environment),
    name,
  };
}

function urlOf(text: string): URL {
  // A wrong URL is not repeated: it may hold a password.
  const wrong = new RedisTrouble("--redis: write redis://HOST:PORT, or rediss://HOST:PORT for TLS, as in --redis redis://localhost:6379");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong;
  }
  if (!["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") throw wrong;
  return url;
}

function passwordOf(file: string | undefined, environment: Readonly<Record<string, string | undefined>>): string | null {
  const given = emptyIsNull(environment["SHAKEDOWN_REDIS_PASSWORD"]);
  if (file === undefined) return given;
  if (given !== null) throw new RedisTrouble("--redis-password-file: SHAKEDOWN_REDIS_PASSWORD is set too; take one of them away");
  const password = fileOf("--redis-password-file", file).replace(/\r?\n$/, "");
  if (password === "") throw new RedisTrouble(`--redis-password-file ${file}: is empty`);
  return password;
}

function fileOf(flag: string, path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new RedisTrouble(`${flag} ${path}: cannot be read (${error instanceof Error ? error.message : String(error)})`);
  }
  if (bytes.length > MOST_SECRET_BYTES) throw new RedisTrouble(`${flag} ${path}: is too large`);
  return bytes.toString("utf8");
}

const emptyIsNull = (text: string | undefined): string | null => (text === undefined || text === "" ? null : text);
