import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { listWorkflows } from '../../activities/list-workflows.ts';
import { statusOf } from '../../activities/task-workflows.ts';
import { signals } from '../../contract/names.ts';
import { readOrder } from '../../contract/order.ts';
import type { StopOrder } from '../../contract/stop.ts';

/** Raw calls throughout: the codes below are those of the API's enumerations. */
const notFound = 5;
const running = 1;
const taskStarted = 2; // PENDING_WORKFLOW_TASK_STATE_STARTED
const startedEvent = 1;
const signaledEvent = 26;
const callMs = 5_000;

export interface NewestRun {
  readonly runId: string;
  readonly firstRunId: string;
  readonly isOpen: boolean;
  /** By Temporal's clock, to the second. */
  readonly startedAt: Date;
  /**
   * A worker holds a task of it. Until that task is over, the server keeps new signals in a buffer that the history does not show,
   * although their senders have been told that they are durable.
   */
  readonly mayHoldUnseen: boolean;
}

/** By id, so it is what the server knows now, not what a list has heard of. Undefined: there is none. */
export async function describeNewest(client: Client, workflowId: string): Promise<NewestRun | undefined> {
  const { namespace } = client.options;
  try {
    const seen = await client.withDeadline(Date.now() + callMs, () =>
      client.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } }),
    );
    const info = seen.workflowExecutionInfo;
    const runId = info?.execution?.runId ?? '';
    return {
      runId,
      firstRunId:
        info?.firstRunId === undefined || info.firstRunId === null || info.firstRunId === '' ? runId : info.firstRunId,
      isOpen: info?.status === running,
      startedAt: new Date(Number(info?.startTime?.seconds ?? 0) * 1_000),
      mayHoldUnseen: info?.status === running && seen.pendingWorkflowTask?.state === taskStarted,
    };
  } catch (thrown) {
    if (statusOf(thrown) === notFound) return undefined;
    throw thrown;
  }
}

/** Every run that the list knows, open or closed. */
export async function listRuns(
  client: Client,
  workflowId: string,
): Promise<ReadonlyMap<string, { readonly isOpen: boolean }>> {
  const runs = new Map<string, { readonly isOpen: boolean }>();
  for await (const { runId, isRunning } of listWorkflows(client, `WorkflowId = '${workflowId}'`, 200)) {
    runs.set(runId, { isOpen: isRunning });
  }
  return runs;
}

export interface ReadRun {
  readonly orders: readonly StopOrder[];
  /** There are payloads that no key held here opens: each may be an order. */
  readonly isSealed: boolean;
  /** The run before this one, if this one continues it. */
  readonly continuedFrom: string | undefined;
}

/** The orders in one run's history: those signalled to it, and those it was started with. Undefined: the run is gone. */
export async function readRun(client: Client, workflowId: string, runId: string): Promise<ReadRun | undefined> {
  const { namespace } = client.options;
  const orders: StopOrder[] = [];
  let isSealed = false;
  let continuedFrom: string | undefined;
  const take = async (payloads: readonly Payload[] | null | undefined): Promise<void> => {
    const decoded = await decode(client, payloads);
    orders.push(...decoded.orders);
    isSealed ||= decoded.isSealed;
  };
  let nextPageToken: Uint8Array | undefined;
  do {
    const request = {
      namespace,
      execution: { workflowId, runId },
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
    };
    let page: Awaited<ReturnType<typeof client.workflowService.getWorkflowExecutionHistory>>;
    try {
      page = await client.withDeadline(Date.now() + callMs, () =>
        client.workflowService.getWorkflowExecutionHistory(request),
      );
    } catch (thrown) {
      if (statusOf(thrown) === notFound) return undefined;
      throw thrown;
    }
    for (const event of page.history?.events ?? []) {
      const signaled = event.workflowExecutionSignaledEventAttributes;
      if (event.eventType === signaledEvent && signaled?.signalName === signals.order)
        await take(signaled.input?.payloads);
      const started = event.workflowExecutionStartedEventAttributes;
      if (event.eventType === startedEvent && started != null) {
        if (started.continuedExecutionRunId != null && started.continuedExecutionRunId !== '')
          continuedFrom = started.continuedExecutionRunId;
        await take(started.input?.payloads);
      }
    }
    nextPageToken = page.nextPageToken != null && page.nextPageToken.length > 0 ? page.nextPageToken : undefined;
  } while (nextPageToken !== undefined);
  return { orders, isSealed, continuedFrom };
}

/** What Temporal's own tools send. Any other encoding that is left after our codecs is somebody's seal. */
const plainEncodings: readonly string[] = [
  'json/plain',
  'json/protobuf',
  'binary/plain',
  'binary/protobuf',
  'binary/null',
  '',
];

/** Whatever of these payloads is an order, or a list of orders. Junk is nobody's order; what is sealed may be anybody's. */
async function decode(
  client: Client,
  payloads: readonly Payload[] | null | undefined,
): Promise<Pick<ReadRun, 'orders' | 'isSealed'>> {
  const orders: StopOrder[] = [];
  let isSealed = false;
  for (const payload of payloads ?? []) {
    try {
      let opened: Payload[] = [payload];
      for (const codec of [...client.options.loadedDataConverter.payloadCodecs].reverse())
        opened = await codec.decode(opened);
      for (const one of opened) {
        isSealed ||= !plainEncodings.includes(encodingOf(one));
        const value: unknown = defaultPayloadConverter.fromPayload(one);
        for (const candidate of Array.isArray(value) ? value : [value]) {
          const order = readOrder(candidate);
          if (order !== undefined) orders.push(order);
        }
      }
    } catch {
      // One junk payload must not hide the orders beside it.
    }
  }
  return { orders, isSealed };
}

const encodingOf = ({ metadata }: Payload): string => new TextDecoder().decode(metadata?.['encoding'] ?? undefined);
