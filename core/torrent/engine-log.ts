import { WarningBudget } from "./warning-budget.ts";
import type { SwarmEvent } from "./worker-protocol.ts";

/** What the engine has to say to people, through the other thread's logger; bounded. */
export class EngineLog {
  readonly #post: (event: SwarmEvent) => void;
  readonly #budget: WarningBudget;
  /** What is as it should be takes no room from what is not. */
  readonly #detailBudget: WarningBudget;

  constructor(deps: { readonly post: (event: SwarmEvent) => void; readonly now: () => number }) {
    this.#post = deps.post;
    this.#budget = new WarningBudget(deps.now);
    this.#detailBudget = new WarningBudget(deps.now);
  }

  debug(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#tell("debug", message, fields);
  }

  warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#tell("warn", message, fields);
  }

  /** Something threw that no peer can be blamed for: a bug. */
  fault(error: unknown): void {
    const story = error instanceof Error ? error.stack : String(error);
    this.#tell("error", "bug in swarm engine", { error: story });
  }

  #tell(
    level: "debug" | "warn" | "error",
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    const dropped = (level === "debug" ? this.#detailBudget : this.#budget).spend();
    if (dropped === undefined) return;
    const more = dropped > 0 ? { dropped } : {};
    this.#post({ type: "log", level, message, fields: { ...fields, ...more } });
  }
}
