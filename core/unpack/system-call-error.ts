import { getSystemErrorName } from "node:util";

/** A system call failed; `code` is a name such as `ENOENT`, as in errors of Node. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  readonly call: string;
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${call}: ${code}`);
    this.call = call;
    this.code = code;
  }
}

/** Whether a system call failed in this way. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof SystemCallError && codes.includes(error.code);
}
