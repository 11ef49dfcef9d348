import { FailedPreconditionError } from "../../core/errors.ts";
import { hasOwnBlock, renderOwnBlock } from "./own-block.ts";
import { withOwnEdits } from "./own-edits.ts";
import { scanToml } from "./toml-scanner.ts";

/** The mirror of the node, as `hosts.toml` files tell containerd of it. */
export interface MirrorHost {
  /** Host and port. */
  readonly address: string;
  /** Whether it is asked what a tag names; else the registry alone is. */
  readonly resolvesTags: boolean;
  /** Whether this containerd reads how long it may take to connect: 2.0 and newer do. */
  readonly hasDialTimeout: boolean;
}

/** The mirror is on this machine: who does not answer in this time is not there. */
const dialTimeout = "1s";

/** What makes a table that we write one of ours. */
const hostHeader = /^\[host\."(http:\/\/[^"]+)"\]\r?$/;

/**
 * A whole `hosts.toml`.
 *
 * @param server URL of the registry; `undefined` has containerd take the one of the name.
 */
export function newHostsFile(mirror: MirrorHost, server: string | undefined): string {
  const top = server === undefined ? [] : [`server = ${JSON.stringify(server)}`, ""];
  const lines = [...top, ...hostLines(mirror)];
  return renderOwnBlock({ lines, replaced: "", afterNoLineBreak: false }, "\n");
}

/**
 * Somebody's `hosts.toml` (without lines of ours) with the mirror before all hosts that it
 * has; all its lines stay.
 *
 * @throws {FailedPreconditionError} when the mirror is in it, or its hosts are not tables.
 * @throws {InvalidArgumentError} when it is no TOML.
 */
export function mirroredHostsFile(text: string, mirror: MirrorHost, name: string): string {
  const lineBreak = text.includes("\r\n") ? "\r\n" : "\n";
  const afterNoLineBreak = text !== "" && !text.endsWith("\n");
  const whole = afterNoLineBreak ? text + lineBreak : text;
  const statements = scanToml(whole, name);
  for (const { kind, path } of statements) {
    if (path[0] !== "host") continue;
    if (kind === "key" && !statements.some((each) => isTableOf(each, path))) {
      throw conflict(name, "its hosts are not written as tables");
    }
    if (path[1] === urlOf(mirror)) throw conflict(name, `it has ${urlOf(mirror)} already`);
  }
  const lines = hostLines(mirror);
  const first = statements.find(({ kind, path }) => kind === "table" && path[0] === "host");
  const atEnd = (own: readonly string[]) =>
    renderOwnBlock({ lines: own, replaced: "", afterNoLineBreak }, lineBreak);
  if (!first) return whole + atEnd(lines);
  const { start } = first;
  const edited = withOwnEdits(whole, [{ start, end: start, lines }], { lineBreak });
  // An empty block tells that the line break before it is ours.
  return afterNoLineBreak ? edited + atEnd([]) : edited;
}

/** URLs of the mirrors that a `hosts.toml` has from us. */
export function ownMirrorsIn(text: string): readonly string[] {
  if (!hasOwnBlock(text)) return [];
  return text.split("\n").flatMap((line) => hostHeader.exec(line)?.[1] ?? []);
}

function hostLines(mirror: MirrorHost): string[] {
  const capabilities = mirror.resolvesTags ? ["pull", "resolve"] : ["pull"];
  return [
    `[host.${JSON.stringify(urlOf(mirror))}]`,
    `  capabilities = ${JSON.stringify(capabilities)}`,
    ...(mirror.hasDialTimeout ? [`  dial_timeout = ${JSON.stringify(dialTimeout)}`] : []),
  ];
}

function isTableOf(
  { kind, path }: { readonly kind: string; readonly path: readonly string[] },
  key: readonly string[],
): boolean {
  return kind === "table" && path.length >= 2 && path[0] === key[0] && path[1] === key[1];
}

function urlOf({ address }: MirrorHost): string {
  return `http://${address}`;
}

function conflict(name: string, why: string): FailedPreconditionError {
  return new FailedPreconditionError(`Cannot add the mirror to ${name}: ${why}`);
}
