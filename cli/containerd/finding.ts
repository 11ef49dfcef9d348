/** One thing that was looked at. */
export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

export function good(text: string): Finding {
  return { ok: true, text };
}

export function wrong(text: string): Finding {
  return { ok: false, text };
}
