import assert from "node:assert/strict";
import { test } from "node:test";

import { RefusalAccount } from "./refusal-account.ts";

test("RefusalAccount counts on when an engine has died, of which the next knows nothing", () => {
  const account = new RefusalAccount();
  assert.deepEqual(account.total, { given: 0, met: 0 });
  account.note({ given: 3, met: 1 });
  account.note({ given: 4, met: 1 });
  account.engineLost();
  assert.deepEqual(account.total, { given: 4, met: 1 });
  account.note({ given: 1, met: 2 });
  assert.deepEqual(account.total, { given: 5, met: 3 });
});
