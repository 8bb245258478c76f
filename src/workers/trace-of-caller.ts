import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityExecuteInput, WorkerInterceptors } from '@temporalio/worker';
import { knownTrace, longestTraceHeader, traceHeader } from '../contract/temporal-trace.ts';
import { continueTrace, type TraceCarrier, traced } from '../contract/tracing.ts';

/** An activity runs in the trace of the workflow that wants it. */
export const traceOfCaller: WorkerInterceptors = {
  activity: [
    ({ info }) => ({
      inbound: {
        execute: (input, next) =>
          continueTrace(carrierOf(input), () => traced(`activity ${info.activityType}`, 'internal', () => next(input))),
      },
    }),
  ],
};

function carrierOf({ headers }: ActivityExecuteInput): TraceCarrier {
  const payload = headers[traceHeader];
  if (payload == null || (payload.data?.length ?? 0) > longestTraceHeader) return {};
  try {
    return knownTrace(defaultPayloadConverter.fromPayload(payload)) ?? {};
  } catch {
    return {}; // no JSON: somebody else's, or nobody's
  }
}
