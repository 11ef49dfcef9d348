import { CodedError, UnavailableError } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json-object.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { CliContext } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { formatBytes } from "../format-bytes.ts";
import { formatDuration } from "../format-duration.ts";
import { printable } from "../format-table.ts";
import { type PreheatDisplay, barDisplay, lineDisplay } from "./display.ts";
import { type EndEvent, parsePreheatEvent } from "./event.ts";
import { NodeProgress } from "./node-progress.ts";
import { PreheatProgress } from "./progress.ts";
import { type PreheatRequest, requestPreheat } from "./request.ts";

/** What to preheat, where, and how to tell of it. */
export interface PreheatOptions {
  /** The first one of them has nodes fetch the image, too, if the request says so. */
  readonly seeders: readonly string[];
  readonly request: PreheatRequest;
  /** Print the seeders' own lines and nothing else. */
  readonly json: boolean;
  readonly clock: Clock;
}

/** Reads the lines of one seeder to their end, and gives the last event. */
type Reader = (lines: AsyncIterable<string>, seeder: string) => Promise<EndEvent | undefined>;

/**
 * Has seeders fetch an image, and shows how far they are. Where one fails, the others go on.
 *
 * @throws {UnavailableError} when the only seeder cannot be reached or hangs up half-way.
 */
export async function preheat(options: PreheatOptions, context: CliContext): Promise<ExitCode> {
  const { seeders, request, json } = options;
  const { scope, nodes, ...forSeeders } = request;
  const display = json ? undefined : displayOf(context);
  const read = display ? shownBy(display, options) : printedBy(options, context);
  const asked = seeders.map(async (seeder, index) => {
    const wanted =
      index === 0
        ? { ...forSeeders, ...(scope && { scope }), ...(nodes && { nodes }) }
        : forSeeders;
    const end = await read(requestPreheat(seeder, wanted, context), seeder);
    if (end) return end;
    throw new UnavailableError("Cannot tell how it ended: the seeder hung up");
  });
  const ends = await Promise.allSettled(asked);
  display?.close();
  context.signal.throwIfAborted();
  let isOk = true;
  for (const [index, end] of ends.entries()) {
    const name = seeders.length > 1 ? `${request.image} at ${seeders[index] ?? ""}` : request.image;
    if (end.status === "rejected") {
      // Of one alone the caller tells, by its kind.
      if (seeders.length === 1 || !(end.reason instanceof CodedError)) throw end.reason;
      context.stderr.write(`shoal: ${name}: ${printable(end.reason.message)}\n`);
    } else if (!json) printEnd(name, end.value, context);
    isOk &&= end.status === "fulfilled" && end.value.ok;
  }
  return isOk ? exitCodes.ok : exitCodes.failure;
}

/** Lines of several seeders say whose they are. */
function printedBy({ seeders }: PreheatOptions, { stdout }: CliContext): Reader {
  return async (lines, seeder) => {
    let end: EndEvent | undefined;
    for await (const line of lines) {
      stdout.write(`${seeders.length > 1 ? withSeeder(line, seeder) : line}\n`);
      const event = parsePreheatEvent(line);
      if (event?.event === "end") end = event;
    }
    return end;
  };
}

function withSeeder(line: string, seeder: string): string {
  const event: unknown = JSON.parse(line);
  return JSON.stringify(isJsonObject(event) ? { seeder, ...event } : event);
}

function displayOf({ stdout }: CliContext): PreheatDisplay {
  return stdout.isTerminal ? barDisplay(stdout) : lineDisplay(stdout);
}

function shownBy(display: PreheatDisplay, { seeders, clock }: PreheatOptions): Reader {
  const blobs = new PreheatProgress();
  const nodes = new NodeProgress();
  return async (lines, seeder) => {
    let end: EndEvent | undefined;
    for await (const line of lines) {
      const event = parsePreheatEvent(line);
      const nowMs = clock.monotonicMs();
      if (event?.event === "end") end = event;
      if (event?.event === "nodes") nodes.expect(event.count);
      if (event?.event === "node") {
        const isLast = nodes.add(event);
        display.node(event, nodes.totals, { isLast });
      }
      if (event?.event !== "blob") continue;
      // Each seeder has its own copy.
      const digest = seeders.length > 1 ? `${seeder} ${event.digest}` : event.digest;
      const isNews = blobs.add({ ...event, digest }, nowMs);
      display.blob({ ...event, digest }, blobs.totals(nowMs), { isNews });
    }
    return end;
  };
}

function printEnd(image: string, end: EndEvent, { stdout, stderr }: CliContext): void {
  if (!end.ok) {
    stderr.write(
      `shoal: Cannot preheat ${image}: ${printable(end.error ?? "the seeder failed")}\n`,
    );
    return;
  }
  const rate = end.durationMs > 0 ? (end.bytes / end.durationMs) * 1000 : 0;
  const nodes = end.nodes ? `, ${end.nodes.done} of ${end.nodes.count} nodes` : "";
  stdout.write(
    `${image}: ${end.blobs} blobs, ${formatBytes(end.bytes)}${nodes} in ${formatDuration(end.durationMs)} (${formatBytes(rate)}/s)\n`,
  );
}
