import { isIPv6 } from "node:net";
import { isAbsolute, normalize } from "node:path";

import { z } from "zod";

import { formatIp, parseIp } from "../ip-address.ts";
import type { PeerAddress } from "../peer-address.ts";
import { parseByteCount } from "./byte-count.ts";
import { describeValue } from "./describe-value.ts";

/** Smallest and greatest value allowed, both included. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A number of things. */
export function count({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): z.ZodType<number> {
  return z.int().min(min).max(max);
}

/** A length in bytes: a whole number, or text with a unit such as `50GiB`. */
export function byteCount({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): z.ZodType<
  number,
  number | string
> {
  const wanted = 'want a whole number of bytes or one with a unit, such as "50GiB"';
  return z
    .union([z.int(), z.string()], { error: ({ input }) => `${describeValue(input)}, ${wanted}` })
    .transform((value, context) => {
      const bytes = bytesOf(value);
      if (bytes !== undefined && bytes >= min && bytes <= max) return bytes;
      context.addIssue(
        bytes === undefined
          ? `${describeValue(value)}, ${wanted}`
          : `is ${bytes} bytes, want ${min} to ${max}`,
      );
      return z.NEVER;
    });
}

function bytesOf(value: number | string): number | undefined {
  if (typeof value === "number") return value;
  try {
    return parseByteCount(value);
  } catch {
    return undefined;
  }
}

/** A duration. Its key ends with `Ms`, so a unit in the value is one too many. */
export function milliseconds({ min = 0, max = 2 ** 31 - 1 }: Bounds = {}): z.ZodType<number> {
  return z
    .int({
      error: ({ input }) => `${describeValue(input)}, want ${wantedMs(input)}`,
    })
    .min(min)
    .max(max);
}

const durationUnitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

function wantedMs(input: unknown): string {
  const match = typeof input === "string" ? /^([0-9.]{1,9}) ?(ms|s|m|h)$/.exec(input) : null;
  const converted = Number(match?.[1]) * (durationUnitsMs[match?.[2] ?? ""] ?? Number.NaN);
  const plain = "a whole number of milliseconds without a unit";
  return Number.isSafeInteger(converted) ? `${plain}: ${converted}` : plain;
}

/**
 * Where to listen: `host:port` or `[v6]:port`, the latter with a zone (`%eth0`) where it is
 * local to a link. Port 0 takes any free one.
 */
export function listenAddress(): z.ZodType<PeerAddress, string> {
  return z.string().transform((text, context) => {
    const match = /^(?:\[([^\]]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text);
    const bracketed = match?.[1];
    const host = bracketed ?? match?.[2];
    const port = Number(match?.[3]);
    const isHost = bracketed === undefined || isIPv6(bracketed);
    if (host !== undefined && isHost && port <= 65535) return { host: normalHost(host), port };
    context.addIssue(
      `${describeValue(text)}, want host:port such as "127.0.0.1:7081" or "[::]:7081"`,
    );
    return z.NEVER;
  });
}

/** Secret between trackers and those who publish to them: too long to be guessed over the network. */
export function publishToken(): z.ZodType<string> {
  return z.string().min(16).max(1000);
}

/** Where others reach us: a name, an IPv4 address, or one of IPv6 with or without brackets. */
export function advertisedHost(): z.ZodType<string> {
  return z.string().transform((text, context) => {
    const host = text.replace(/^\[(.*:.*)\]$/, "$1");
    const isIpv6 = host.includes(":") && parseIp(host) !== undefined;
    if (isIpv6 || /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?\.?$/.test(host)) {
      return normalHost(host);
    }
    context.addIssue(`${describeValue(text)}, want a name or an address, without a port or a zone`);
    return z.NEVER;
  });
}

/** An address in its one form; names, and zones with the names of their links, as they are. */
function normalHost(host: string): string {
  const bytes = parseIp(host);
  return bytes ? formatIp(bytes) : host;
}

/** A path from the root of the file system, without `..` and double slashes. */
export function absolutePath(): z.ZodType<string> {
  return z
    .string()
    .refine((path) => isAbsolute(path) && !path.includes("\0"), {
      error: ({ input }) => `${describeValue(input)}, want a path that starts with "/"`,
    })
    .overwrite((path) => normalize(path).replace(/(?<=.)\/$/, ""));
}

/**
 * The address of an HTTP service, without a slash at its end. Credentials do not
 * belong into it, for URLs end up in logs; nor does a query.
 */
export function httpUrl(): z.ZodType<string> {
  return urlWith(["http:", "https:"]);
}

/** The announce URL of a tracker. @see BEP 3, BEP 15 */
export function trackerUrl(): z.ZodType<string> {
  return urlWith(["http:", "https:", "udp:"]);
}

function urlWith(schemes: readonly string[]): z.ZodType<string> {
  const wanted = `want ${schemes.map((scheme) => `${scheme}//`).join(" or ")} followed by host and port`;
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const problem = url ? urlProblem(url, schemes) : describeValue(text.replace(/.*@/, ""));
    if (url && problem === undefined) return url.href.replace(/\/$/, "");
    context.addIssue(`${problem ?? "is not usable"}, ${wanted}`);
    return z.NEVER;
  });
}

/** Never shows the value where it may hold a password. */
function urlProblem(url: URL, schemes: readonly string[]): string | undefined {
  if (!schemes.includes(url.protocol)) return `has the scheme ${JSON.stringify(url.protocol)}`;
  if (url.username !== "" || url.password !== "") return "has a user name or password in it";
  if (url.search !== "" || url.hash !== "") return "has a query or fragment";
  if (url.hostname === "") return "has no host";
  return undefined;
}
