import type { ClientInterceptors, WorkflowStartInput } from '@temporalio/client';
import { traceHeader } from '../contract/temporal-trace.ts';
import { traceHeaders } from '../contract/tracing.ts';

/** A workflow belongs to the trace in which it was started. Made by hand, so that nothing of Temporal is loaded for it. */
export const traceOfStarter: ClientInterceptors = {
  workflow: [
    {
      start: (input, next) => next(traced(input)),
      startWithDetails: (input, next) => next(traced(input)),
    },
  ],
};

function traced(input: WorkflowStartInput): WorkflowStartInput {
  const trace = traceHeaders();
  if (trace['traceparent'] === undefined) return input;
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(trace)) };
  return { ...input, headers: { ...input.headers, [traceHeader]: payload } };
}
