/**
 * What a log line may carry: the words of the glossary (`digest`, `infoHash`, `ref`,
 * `peer`, `offset`, `bytes`, `durationMs`, `code`). Never credentials, URLs with a
 * query, or bytes that came from the network.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes log lines: a constant message and fields. */
export interface Logger {
  /** One line per request. */
  debug(message: string, fields?: LogFields): void;
  /** Rare changes of state. */
  info(message: string, fields?: LogFields): void;
  /** It healed, or will be tried again. */
  warn(message: string, fields?: LogFields): void;
  /** Somebody must act. */
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  with(fields: LogFields): Logger;
}
