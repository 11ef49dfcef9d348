import { UnavailableError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { CliContext } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { formatBytes } from "../format-bytes.ts";
import { formatDuration } from "../format-duration.ts";
import { printable } from "../format-table.ts";
import { barDisplay, lineDisplay } from "./display.ts";
import { type EndEvent, parsePreheatEvent } from "./event.ts";
import { PreheatProgress } from "./progress.ts";
import { type PreheatRequest, requestPreheat } from "./request.ts";

/** What to preheat, where, and how to tell of it. */
export interface PreheatOptions {
  readonly seeder: string;
  readonly request: PreheatRequest;
  /** Print the seeder's own lines and nothing else. */
  readonly json: boolean;
  readonly clock: Clock;
}

/**
 * Has a seeder fetch an image, and shows how far it is.
 *
 * @throws {UnavailableError} when the seeder cannot be reached or hangs up half-way.
 */
export async function preheat(options: PreheatOptions, context: CliContext): Promise<ExitCode> {
  const end = options.json ? await printEvents(options, context) : await show(options, context);
  if (!end) throw new UnavailableError("Cannot tell how it ended: the seeder hung up");
  if (!options.json) printEnd(options.request.image, end, context);
  return end.ok ? exitCodes.ok : exitCodes.failure;
}

async function printEvents(
  { seeder, request }: PreheatOptions,
  { stdout, signal }: CliContext,
): Promise<EndEvent | undefined> {
  let end: EndEvent | undefined;
  for await (const line of requestPreheat(seeder, request, { signal })) {
    stdout.write(`${line}\n`);
    const event = parsePreheatEvent(line);
    if (event?.event === "end") end = event;
  }
  return end;
}

async function show(
  { seeder, request, clock }: PreheatOptions,
  { stdout, signal }: CliContext,
): Promise<EndEvent | undefined> {
  const progress = new PreheatProgress();
  const display = stdout.isTerminal ? barDisplay(stdout) : lineDisplay(stdout);
  let end: EndEvent | undefined;
  try {
    for await (const line of requestPreheat(seeder, request, { signal })) {
      const event = parsePreheatEvent(line);
      const nowMs = clock.monotonicMs();
      if (event?.event === "end") end = event;
      if (event?.event !== "blob") continue;
      const isNews = progress.add(event, nowMs);
      display.blob(event, progress.totals(nowMs), { isNews });
    }
  } finally {
    display.close();
  }
  return end;
}

function printEnd(image: string, end: EndEvent, { stdout, stderr }: CliContext): void {
  if (!end.ok) {
    stderr.write(
      `shoal: Cannot preheat ${image}: ${printable(end.error ?? "the seeder failed")}\n`,
    );
    return;
  }
  const rate = end.durationMs > 0 ? (end.bytes / end.durationMs) * 1000 : 0;
  stdout.write(
    `${image}: ${end.blobs} blobs, ${formatBytes(end.bytes)} in ${formatDuration(end.durationMs)} (${formatBytes(rate)}/s)\n`,
  );
}
