// What can go wrong with Redis that its user can put right: one clear line, exit code 2.

/** Printed as it is. Never holds a password. */
export class RedisTrouble extends Error {
  override readonly name = "RedisTrouble";
}

/** A reply or an error of the connection that waiting does not mend; null for one that may pass. */
export function lastingTrouble(error: unknown, redis: string): RedisTrouble | null {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (/NOAUTH/.test(message)) return new RedisTrouble(`${redis}: wants a password: put it into SHAKEDOWN_REDIS_PASSWORD, or name its file with --redis-password-file`);
  if (/WRONGPASS|invalid password|invalid username-password/i.test(message)) return new RedisTrouble(`${redis}: wrong user or password; they come from SHAKEDOWN_REDIS_USER, SHAKEDOWN_REDIS_PASSWORD or --redis-password-file`);
  if (/NOPERM/.test(message)) return new RedisTrouble(`${redis}: the user may not do this: ${message.split("\n")[0]}; give it ~shakedown:* ~bull:shakedown:* and +@all -@admin +info`);
  if (/DB index is out of range|invalid DB index/i.test(message)) return new RedisTrouble(`${redis}: has no database of that number`);
  if (/unknown command/i.test(message)) return new RedisTrouble(`${redis}: is too old or no Redis: ${message.split("\n")[0]}; Redis 6.2 or newer is needed`);
  if (/Unknown RESP type/.test(message)) return new RedisTrouble(`${redis}: what answers there is no Redis`);
  if (CERTIFICATE.test(code) || CERTIFICATE.test(message)) return new RedisTrouble(`${redis}: its certificate is not trusted (${code === "" ? message : code}); name the authority's file with --redis-ca FILE`);
  if (/wrong version number|packet length too long|EPROTO/i.test(`${code} ${message}`)) return new RedisTrouble(`${redis}: does not speak TLS; write redis:// instead of rediss://`);
  return null;
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS/;

/** Why a connection failed, in a few words. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nobody listens there", ENOTFOUND: "no such host", EAI_AGAIN: "the name cannot be looked up", ETIMEDOUT: "no answer",
    EHOSTUNREACH: "no way to that host", ENETUNREACH: "no way to that network", ECONNRESET: "the connection was cut",
  };
  const message = error instanceof Error ? error.message : String(error);
  return known[code] ?? (message === "" ? code : message.split("\n")[0]);
}

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "");
