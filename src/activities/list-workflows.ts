import type { Client } from '@temporalio/client';

const running = 1; // WORKFLOW_EXECUTION_STATUS_RUNNING

export interface ListedWorkflow {
  readonly workflowId: string;
  readonly runId: string;
  readonly isRunning: boolean;
  /** By Temporal's clock. */
  readonly startedAt: Date;
}

/**
 * What the list knows, page by page. Raw: the SDK's own list decodes the memo of every workflow and throws at the first that it
 * cannot read, so one that somebody else has sealed would hide all that come after it. Throws what the server or the network threw.
 */
export async function* listWorkflows(client: Client, query: string, pageSize: number): AsyncGenerator<ListedWorkflow> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, pageSize, nextPageToken };
    const page = await client.workflowService.listWorkflowExecutions(request);
    for (const { execution, status, startTime } of page.executions) {
      const seconds = Number(startTime?.seconds ?? 0);
      yield {
        workflowId: execution?.workflowId ?? '',
        runId: execution?.runId ?? '',
        isRunning: status === running,
        startedAt: new Date(seconds * 1_000 + Math.trunc((startTime?.nanos ?? 0) / 1_000_000)),
      };
    }
    nextPageToken = page.nextPageToken ?? new Uint8Array();
  } while (nextPageToken.length > 0);
}
