import { hasNetworkNamespaces } from "../integration/support/network.ts";

/** @throws {Error} where hosts cannot have links of their own. */
export async function requireNamespaces(): Promise<void> {
  if (await hasNetworkNamespaces()) return;
  throw new Error("Cannot limit links: this machine has no network namespaces, or we are not root");
}
