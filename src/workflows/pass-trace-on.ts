import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { WorkflowInterceptors } from '@temporalio/workflow';
import { knownTrace, longestTraceHeader, traceHeader } from '../contract/temporal-trace.ts';

/**
 * A workflow's trace goes on to its activities, its children and its next run. It is in the history, so a replay finds the same; nothing
 * is minted here. What is no trace is dropped.
 */
export const interceptors = (): WorkflowInterceptors => {
  let trace: Headers = {};
  const traced = <Input extends { readonly headers: Headers }>(input: Input): Input => ({
    ...input,
    headers: { ...input.headers, ...trace },
  });
  return {
    inbound: [
      {
        execute: (input, next) => {
          trace = traceIn(input.headers);
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(traced(input)),
        scheduleLocalActivity: (input, next) => next(traced(input)),
        startChildWorkflowExecution: (input, next) => next(traced(input)),
        continueAsNew: (input, next) => next(traced(input)),
      },
    ],
  };
};

function traceIn(headers: Headers): Headers {
  const payload = headers[traceHeader];
  if (payload == null || (payload.data?.length ?? 0) > longestTraceHeader) return {};
  try {
    const known = knownTrace(defaultPayloadConverter.fromPayload(payload));
    return known === undefined ? {} : { [traceHeader]: defaultPayloadConverter.toPayload(known) };
  } catch {
    return {};
  }
}
