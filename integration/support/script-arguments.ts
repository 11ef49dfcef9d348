/** Misuse is the caller's mistake, and no result. */
const exitMisuse = 2;

/**
 * Reads the arguments of a script of the project. Prints how it is used when that is asked for,
 * or when they are wrong, which makes the process end with 2; there are no values then.
 */
export function readScriptArguments<Values extends { readonly help: boolean }>(
  read: () => Values,
  usage: string,
): Values | undefined {
  try {
    const values = read();
    if (!values.help) return values;
    process.stdout.write(usage);
  } catch (error) {
    if (!isMisuse(error)) throw error;
    process.stderr.write(`${error.message}\n\n${usage}`);
    process.exitCode = exitMisuse;
  }
  return undefined;
}

/** Whether it is one of Node's `parseArgs`. */
function isMisuse(error: unknown): error is Error {
  return error instanceof Error && "code" in error && /^ERR_PARSE_ARGS_/.test(String(error.code));
}
