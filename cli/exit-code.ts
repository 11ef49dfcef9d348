/** What the command tells the one who called it. */
export const exitCodes = {
  ok: 0,
  /** It was understood and did not work out. */
  failure: 1,
  /** Unknown command or option, or a configuration with problems. */
  usage: 2,
  /** Ended by Ctrl-C, as shells have it: 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Tells the codes in the help text. */
export const exitCodesHelp = `
Exit codes:
  0    done
  1    failed
  2    wrong usage or configuration
  130  interrupted`;
