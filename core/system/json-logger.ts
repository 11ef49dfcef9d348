import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from "pino";

import type { LogFields, Logger } from "../ports/logger.ts";
import { loggable } from "./loggable.ts";
import { renderTextLine } from "./text-line.ts";

/** Levels by weight: a logger writes lines of its own level and those after it. */
export const logLevels = ["debug", "info", "warn", "error"] as const;

/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

/** How a logger writes. */
export interface JsonLoggerOptions {
  readonly level: LogLevel;
  /** Text for people instead of JSON; chosen when lines go to a terminal. */
  readonly text: boolean;
  /** Takes whole lines. Standard error when left out. */
  readonly destination?: DestinationStream;
}

/** Lines are written at once, so that none is lost when the process ends. */
function standardError(): DestinationStream {
  return pino.destination({ fd: 2, sync: true });
}

/** Writes a line of JSON for each entry; what may be a credential is hidden. */
export function createJsonLogger({ level, text, destination }: JsonLoggerOptions): Logger {
  const lines = destination ?? standardError();
  return new JsonLogger(
    pino(
      {
        level,
        base: null,
        messageKey: "message",
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      text ? { write: (line) => lines.write(renderTextLine(line)) } : lines,
    ),
  );
}

class JsonLogger implements Logger {
  readonly #pino: PinoLogger;

  constructor(pinoLogger: PinoLogger) {
    this.#pino = pinoLogger;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  with(fields: LogFields): Logger {
    return new JsonLogger(this.#pino.child(loggable(fields) as object));
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    this.#pino[level](loggable(fields) as object, String(loggable(message)));
  }
}
