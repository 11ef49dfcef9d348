import { networkInterfaces } from "node:os";

const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);

/** Why tests on `::1` are skipped here; `false` where there is IPv6. */
export const withoutIpv6: string | false =
  !addresses.some(({ address }) => address === "::1") && "this machine has no address ::1";
