import { createDeadline } from "../../core/async/deadline.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { PreheatReport } from "../../core/service-status.ts";
import type { CliContext } from "../cli-context.ts";
import { addressAdvice, connectionFailure } from "../connection-failure.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { printable } from "../format-table.ts";
import { refusalOf } from "../read-body.ts";
import { readStatus } from "../status/read-status.ts";
import { renderPreheats } from "../status/render-preheats.ts";

/** A seeder answers from memory. */
const timeoutMs = 5000;

/**
 * Shows the preheats that are under way at seeders. Where one is silent, the others are shown.
 *
 * @throws {UnavailableError} when the only one cannot be reached.
 */
export async function listPreheats(
  { seeders, json }: { readonly seeders: readonly string[]; readonly json: boolean },
  { stdout, stderr, signal }: CliContext,
): Promise<ExitCode> {
  const preheats: PreheatReport[] = [];
  let isOk = true;
  for (const seeder of seeders) {
    try {
      preheats.push(...((await readStatus(seeder, { signal })).preheats ?? []));
    } catch (error) {
      if (seeders.length === 1 || !(error instanceof UnavailableError)) throw error;
      stderr.write(`shoal: ${printable(error.message)}\n`);
      isOk = false;
    }
  }
  if (json) stdout.write(preheats.map((preheat) => `${JSON.stringify(preheat)}\n`).join(""));
  else stdout.write(preheats.length === 0 ? "No preheat is under way\n" : renderPreheats(preheats));
  return isOk ? exitCodes.ok : exitCodes.failure;
}

/**
 * Ends a preheat that is under way at one of the seeders.
 *
 * @throws {UnavailableError} when none of them has it.
 */
export async function cancelPreheat(
  { seeders, id }: { readonly seeders: readonly string[]; readonly id: string },
  { stdout, signal }: CliContext,
): Promise<ExitCode> {
  const refusals: string[] = [];
  for (const seeder of seeders) {
    const refusal = await cancelAt(seeder, id, signal);
    if (refusal === undefined) {
      stdout.write(`Canceled ${id}\n`);
      return exitCodes.ok;
    }
    refusals.push(refusal);
  }
  throw new UnavailableError(`Cannot cancel ${id}: ${refusals.join("; ")}`);
}

/** Why not; `undefined` when it did. */
async function cancelAt(
  seeder: string,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadline = createDeadline(signal, timeoutMs);
  try {
    const url = `${seeder}/v1/preheats/${encodeURIComponent(id)}`;
    const response = await fetch(url, { method: "DELETE", signal: deadline.signal });
    return response.ok ? undefined : await refusalOf(response);
  } catch (error) {
    signal.throwIfAborted();
    return connectionFailure(seeder, error, { advice: addressAdvice }).message;
  } finally {
    deadline[Symbol.dispose]();
  }
}
