// A reporter of node's test runner, which loads it by its path: writes a report as JSON.
import type { TestEvent } from "node:test/reporters";

import { TestReportBuilder } from "./test-report.ts";

/** The runner wants a reporter to be the default export. */
export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const report = new TestReportBuilder();
  for await (const event of events) report.add(event);
  yield JSON.stringify(report.report());
}
