/** All addresses of the machine, by an IPv6 socket that takes IPv4 as well. */
const wildcard = "::";

/** All addresses of a machine that has no IPv6. */
const wildcardIpv4 = "0.0.0.0";

/**
 * Begins to listen at a host. Where that is all addresses (`::`) and this machine knows no
 * IPv6, those of IPv4 are all that there are.
 *
 * @throws what `listen` throws
 */
export async function listenOn<T>(host: string, listen: (host: string) => Promise<T>): Promise<T> {
  try {
    return await listen(host);
  } catch (error) {
    if (host !== wildcard || !isWithoutIpv6(error)) throw error;
    return listen(wildcardIpv4);
  }
}

/** Whether the system says that it has no such sockets, or no such address. */
function isWithoutIpv6(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "EAFNOSUPPORT" || error.code === "EADDRNOTAVAIL";
}
