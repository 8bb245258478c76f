import { DefaultFailureConverter } from '@temporalio/common';

/** Loaded by path, in clients, workers and the workflow isolate: messages and stack traces go through the payload codec as well. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
