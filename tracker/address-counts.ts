import { addressOfKey, networkOfKey } from "./peer-key.ts";

/** How many peers each address stands for, and each IPv6 network of 64 bits. */
export class AddressCounts {
  /** By the characters of addresses and networks, which differ in length. */
  readonly #counts = new Map<string, number>();

  /** There is a peer more, or one less. */
  change(key: string, by: 1 | -1): void {
    const network = networkOfKey(key);
    this.#change(addressOfKey(key), by);
    if (network !== undefined) this.#change(network, by);
  }

  /** Peers that have the address of one. */
  ofAddress(key: string): number {
    return this.#counts.get(addressOfKey(key)) ?? 0;
  }

  /** Peers of its network; 0 for IPv4, where addresses are dear. */
  ofNetwork(key: string): number {
    return this.#counts.get(networkOfKey(key) ?? "") ?? 0;
  }

  #change(place: string, by: 1 | -1): void {
    const count = (this.#counts.get(place) ?? 0) + by;
    if (count > 0) this.#counts.set(place, count);
    else this.#counts.delete(place);
  }
}
