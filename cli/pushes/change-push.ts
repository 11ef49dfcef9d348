import { UnavailableError } from "../../core/errors.ts";
import type { PushReport } from "../../core/service-status.ts";
import type { CliContext } from "../cli-context.ts";
import { addressAdvice, connectionFailure } from "../connection-failure.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { refusalOf } from "../read-body.ts";
import { printable } from "../format-table.ts";

/** What is done about a push that waits for its registry. */
export interface PushChange {
  /** Base URL. */
  readonly seeder: string;
  readonly id: string;
  readonly method: "POST" | "DELETE";
  /** A token that may push; left out: for a seeder that wants none. */
  readonly token?: string | undefined;
}

/**
 * Has a seeder try a push now, or give it up.
 *
 * @throws {UnavailableError} when it cannot be reached, or does not do it.
 */
export async function changePush(
  { seeder, id, method, token }: PushChange,
  { stdout, signal }: CliContext,
): Promise<ExitCode> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = `${seeder}/v1/pushes/${encodeURIComponent(id)}`;
  const response = await fetch(url, { method, headers, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw connectionFailure(seeder, error, { advice: addressAdvice });
  });
  if (!response.ok) {
    throw new UnavailableError(`Cannot change the push: ${await refusalOf(response)}`);
  }
  const { name } = (await response.json()) as Partial<PushReport>;
  const done = method === "POST" ? "is tried now" : "is given up";
  stdout.write(`${printable(String(name))} ${done}\n`);
  return exitCodes.ok;
}
