import type { LookupFunction } from "node:net";
import { isIP } from "node:net";

import { UnavailableError } from "../errors.ts";
import type { IpFamily } from "../ip-address.ts";

/**
 * A tracker as it is reached by one family of addresses. It tells others of the address
 * from which we come, so that it has to hear of us by each family that we have.
 *
 * @see BEP 7, BEP 15
 */
export interface TrackerHost {
  /** Without brackets. */
  readonly host: string;
  /** `undefined`: that of the URL's scheme. */
  readonly port: number | undefined;
  readonly family: IpFamily;
  /** Whether the host is a name, which may have addresses of the other family, too. */
  readonly isName: boolean;
  /** Gives addresses of the family alone. */
  readonly lookup: LookupFunction;
}

/** There is no way to the tracker by addresses of this family; by the other there may be. */
export class NoRouteError extends UnavailableError {}

/** What the system says where this machine has no address of a family. */
const noRouteCodes = ["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT"];

/** What it says of a name that has no address, or none of the family. */
const noAddressCode = "ENOTFOUND";

/** The ways to the host of a URL: by each family for a name, by its own for an address. */
export function trackerHostsOf(url: URL, systemLookup: LookupFunction): TrackerHost[] {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? undefined : Number(url.port);
  const version = isIP(host);
  const isName = version === 0;
  const families = isName ? ([4, 6] as const) : ([version === 4 ? 4 : 6] as const);
  return families.map((family) => ({
    ...{ host, port, family, isName },
    lookup: (name, options, callback) => systemLookup(name, { ...options, family }, callback),
  }));
}

/** An address of the family. @throws what the system says */
export function addressOf({ host, lookup }: TrackerHost): Promise<string> {
  return new Promise((resolve, reject) => {
    lookup(host, {}, (error, found) => {
      if (error) {
        reject(error);
        return;
      }
      const address = typeof found === "string" ? found : found[0]?.address;
      if (address === undefined) reject(new TypeError("No address"));
      else resolve(address);
    });
  });
}

/**
 * Tells what kept us from a tracker: {@link NoRouteError} for a family that it, or this
 * machine, does not have; what is true of both families stays what it is.
 */
export async function failureOfFamily(
  failure: UnavailableError,
  { host, isName, family }: TrackerHost,
  systemLookup: LookupFunction,
): Promise<UnavailableError> {
  const code = codeIn(failure);
  if (!isName || code === undefined) return failure;
  const isMissing =
    noRouteCodes.includes(code) ||
    (code === noAddressCode && (await hasAddress(host, systemLookup)));
  if (!isMissing) return failure;
  return new NoRouteError(`Cannot reach the tracker by IPv${family}: ${code}`, { cause: failure });
}

/** The system's word for what went wrong, in an error or what caused it. */
function codeIn({ cause }: Error): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if ("code" in cause && typeof cause.code === "string" && !(cause instanceof UnavailableError)) {
    return cause.code;
  }
  return codeIn(cause);
}

/** Whether a name has an address of any family. Bounded by the system's own resolver. */
function hasAddress(host: string, systemLookup: LookupFunction): Promise<boolean> {
  return new Promise((resolve) => {
    systemLookup(host, { family: 0, all: true }, (error) => resolve(!error));
  });
}
