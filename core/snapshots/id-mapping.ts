import { InvalidArgumentError } from "../errors.ts";
import type { Labels } from "../ports/blob-store.ts";
import type { FileOwner } from "./snapshot-folders.ts";

/**
 * Labels that say which ids of the machine the ids of a container are, as
 * "container:host:length", several with commas in between.
 *
 * @see containerd core/snapshots/snapshotter.go
 */
const mappingLabels = {
  uid: "containerd.io/snapshot/uidmapping",
  gid: "containerd.io/snapshot/gidmapping",
} as const;

/** Greatest id that Linux has. */
const idMax = 2 ** 32 - 1;

/**
 * Who root in the container is on the machine; `undefined` when nothing is mapped.
 *
 * @throws {InvalidArgumentError} when a mapping is none, or has no root.
 */
export function mappedRoot(labels: Labels): FileOwner | undefined {
  const uids = labels[mappingLabels.uid];
  const gids = labels[mappingLabels.gid];
  if (uids === undefined && gids === undefined) return undefined;
  return { uid: rootOf(uids ?? ""), gid: rootOf(gids ?? "") };
}

/** The options by which the kernel maps the ids of a mount; none when nothing is mapped. */
export function mappingOptions(labels: Labels): string[] {
  const uids = labels[mappingLabels.uid];
  const gids = labels[mappingLabels.gid];
  return [
    ...(uids === undefined ? [] : [`uidmap=${uids}`]),
    ...(gids === undefined ? [] : [`gidmap=${gids}`]),
  ];
}

/** Without a mapping, root is root. */
function rootOf(mapping: string): number {
  if (mapping === "") return 0;
  const root = mapping
    .split(",")
    .map(parseRange)
    .find(({ container, length }) => container === 0 && length > 0);
  if (!root) throw invalidMapping(mapping);
  return root.host;
}

function parseRange(range: string): { container: number; host: number; length: number } {
  const [, container, host, length] = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(range) ?? [];
  const numbers = { container: Number(container), host: Number(host), length: Number(length) };
  const isValid = Object.values(numbers).every((id) => id <= idMax);
  if (!isValid) throw invalidMapping(range);
  return numbers;
}

function invalidMapping(mapping: string): InvalidArgumentError {
  const text = JSON.stringify(mapping.slice(0, 64));
  return new InvalidArgumentError(`Cannot map ids by ${text}: want "0:host:length"`);
}
